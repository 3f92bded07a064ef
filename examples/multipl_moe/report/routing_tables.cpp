#include "multipl_moe/report/routing_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace multipl_moe {

namespace {

using LevelsOf = std::map<std::uint32_t, LevelTally> RoutingTally::*;

std::string field(double value) { return std::isnan(value) ? std::string() : fmt::format("{:.6g}", value); }

std::string share_field(std::int64_t part, std::int64_t whole) {
  return field(static_cast<double>(part) / static_cast<double>(whole));
}

/// `lines_of(start, tally)` for every language and layer, where `start` is `language,layer`.
template <class LinesOf>
std::string table_of(const RoutingTrace& trace, LevelsOf levels, const LinesOf& lines_of) {
  std::string text;
  for (const Language language : all_languages)
    if (const auto& tally = trace[index_of(language)])
      for (const auto& [layer, level] : (*tally).*levels)
        text += lines_of(fmt::format("{},{}", name_of(language), layer), level);
  return text;
}

std::string experts_of(const std::string& start, const LevelTally& level) {
  std::string text;
  for (std::size_t e = 0; e < level.kept.size(); ++e)
    text += fmt::format("{},{},{},{}\n", start, e, share_field(level.kept[e], level.rows), field(level.mean_gate(e)));
  return text;
}

std::string summary_of(const std::string& start, const char* name, const LevelTally& level) {
  return fmt::format("{},{},{},{},{},{},{},{}\n", start, name, level.rows, field(level.load_max_over_mean()),
                     field(level.load_variation()), field(level.mean_entropy()),
                     share_field(level.pairs_kept(), level.rows), field(level.dropped_share()));
}

std::string sequences_of(const std::string& start, const char* name, const LevelTally& level) {
  std::string text;
  for (std::size_t s = 0; s < level.sequences.size(); ++s) {
    const LevelTally::Sequence& sequence = level.sequences[s];
    std::vector<std::string> experts, segments;
    for (std::size_t e = 0; e < sequence.kept.size(); ++e)
      experts.push_back(level.fixed[e] != 0 ? "-" : fmt::to_string(sequence.kept[e]));
    for (const auto& workers : sequence.segments)
      segments.push_back(workers.empty() ? "-" : fmt::format("{}", fmt::join(workers, "+")));
    text += fmt::format("{},{},{},{},{},{}\n", start, name, s, sequence.rows, fmt::join(experts, " "),
                        fmt::join(segments, " "));
  }
  return text;
}

}  // namespace

std::string token_experts_csv(const RoutingTrace& trace) {
  return "language,layer,expert,share,mean_gate,dropped\n" +
         table_of(trace, &RoutingTally::token, [](const std::string& start, const LevelTally& level) {
           std::string text;
           for (std::size_t e = 0; e < level.kept.size(); ++e)
             text += fmt::format("{},{},{},{},{}\n", start, e, share_field(level.kept[e], level.rows),
                                 field(level.mean_gate(e)), share_field(level.chosen[e] - level.kept[e], level.rows));
           return text;
         });
}

std::string segment_experts_csv(const RoutingTrace& trace) {
  return "language,layer,expert,share,mean_gate\n" + table_of(trace, &RoutingTally::segment, experts_of);
}

std::string segment_positions_csv(const RoutingTrace& trace) {
  return "language,layer,expert,position,sequences,share\n" +
         table_of(trace, &RoutingTally::segment, [](const std::string& start, const LevelTally& level) {
           std::string text;
           for (std::size_t e = 0; e < level.kept.size(); ++e)
             for (std::size_t p = 0; p < level.positions.size(); ++p) {
               const LevelTally::Position& here = level.positions[p];
               text += fmt::format("{},{},{},{},{}\n", start, e, p + 1, here.sequences,
                                   share_field(here.kept[e], here.sequences));
             }
           return text;
         });
}

std::string segment_sharing_csv(const RoutingTrace& trace) {
  return "language,layer,experts,share\n" +
         table_of(trace, &RoutingTally::segment, [](const std::string& start, const LevelTally& level) {
           std::string text;
           for (std::size_t n = 0; n < level.sharing.size(); ++n)
             text += fmt::format("{},{},{}\n", start, n, share_field(level.sharing[n], level.rows));
           return text;
         });
}

std::string sequences_csv(const RoutingTrace& trace) {
  const auto lines_of = [](const char* name) {
    return [name](const std::string& start, const LevelTally& level) { return sequences_of(start, name, level); };
  };
  return "language,layer,level,sequence,rows,experts,segments\n" +
         table_of(trace, &RoutingTally::token, lines_of("token")) +
         table_of(trace, &RoutingTally::segment, lines_of("segment"));
}

std::string summary_csv(const RoutingTrace& trace) {
  const auto lines_of = [](const char* name) {
    return [name](const std::string& start, const LevelTally& level) { return summary_of(start, name, level); };
  };
  return "language,layer,level,rows,load_max_over_mean,load_variation,gate_entropy_nats,experts_per_row,dropped\n" +
         table_of(trace, &RoutingTally::token, lines_of("token")) +
         table_of(trace, &RoutingTally::segment, lines_of("segment"));
}

bool has_segments(const RoutingTrace& trace) {
  return std::any_of(trace.begin(), trace.end(), [](const auto& tally) { return tally && !tally->segment.empty(); });
}

}  // namespace multipl_moe
