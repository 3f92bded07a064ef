#include "multipl_moe/reproduce/result_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/csv.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/reproduce/paper.hpp"
#include "multipl_moe/reproduce/planned_scores.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/score_cells.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_scores = std::uint64_t{64} << 20;

std::size_t seeds_with(const std::map<std::uint64_t, RunScores>& runs, Track track) {
  return static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [track](const auto& run) {
    return track == Track::text ? run.second.has_bits() : run.second.exercises.has_value();
  }));
}

std::string scores_table(const Plan& plan, const AllScores& scores, Track track) {
  std::string text = "| system |", line = "|---|";
  for (const std::string_view group : table_groups()) {
    text += fmt::format(" {} |", group);
    line += "---:|";
  }
  text += "\n" + line + "\n";
  bool any = false;
  const auto planned = planned_seeds(plan);
  const auto add_row = [&](const std::string& name, std::string_view title) {
    const auto runs = scores.find(name);
    const std::size_t seeds = runs == scores.end() ? 0 : seeds_with(runs->second, track);
    const auto of_plan = planned.find({track, name});
    const std::size_t wanted = of_plan == planned.end() ? seeds : of_plan->second;
    if (seeds == 0 && wanted == 0) return;
    any = true;
    text += fmt::format("| {} |", title_with_seeds(title, seeds, wanted));
    for (const std::string_view group : table_groups())
      text += fmt::format(" {} |", seeds == 0 ? "not run" : cell_text(cell_of(runs->second, group, track), track));
    text += "\n";
  };
  for (const auto& [name, title] : all_models())
    if (!is_model_apart(name)) add_row(std::string(name), title);
  return any ? text : "";
}

std::string number(double value, Track track) {
  if (track == Track::routing) return fmt::format("{:.3f}", value);
  return track == Track::exercises ? fmt::format("{:+.1f}", value) : fmt::format("{:+.3f}", value);
}

}  // namespace

std::string comparison_text(const JudgedComparison& c, const JudgedClaim& claim) {
  const bool is_routing = claim.track == Track::routing;
  std::string text =
      is_routing ? fmt::format("{}, {} layer, {}: ", name_of(claim.claim->measure), claim.claim->layer, c.languages)
                 : fmt::format("{} {} on {}: ", claim.claim->direction == Direction::worse ? "below" : "over", c.b,
                               c.languages);
  if (!c.advantage) return text + "not measured";
  text += number(c.advantage->mean, claim.track);
  if (c.seeds < 2) return text + " with one seed, which decides nothing";
  text += fmt::format(" [{}, {}], p {:.3g}", number(c.advantage->low, claim.track),
                      number(c.advantage->high, claim.track), c.corrected_p);
  const double bound = bound_of(*claim.claim, claim.track);
  const auto above = std::count_if(c.advantage->seed_means.begin(), c.advantage->seed_means.end(),
                                   [bound](double mean) { return mean > bound; });
  text += fmt::format(", above {} in {} of {}", bound, above, counted(c.seeds, "seeds"));
  if (!c.note.empty()) text += "; " + c.note;
  if (c.smallest_seen)
    text += fmt::format("; from {} on it would have been seen", number(*c.smallest_seen, claim.track));
  return text;
}

std::string unfinished_text(const Plan& plan, const std::set<std::string>& finished) {
  const auto done = static_cast<std::size_t>(std::count_if(
      plan.stages.begin(), plan.stages.end(), [&](const Stage& stage) { return finished.contains(stage.id); }));
  return done == plan.stages.size()
             ? ""
             : fmt::format(
                   "Not finished: {} of {} are done. Rows with fewer seeds say so, and verdicts rest on the seeds that "
                   "both systems have.",
                   done, counted(plan.stages.size(), "stages"));
}

namespace {

std::string claims_table(std::span<const JudgedClaim> judged) {
  std::string text = "| claim | track | verdict | advantage, 95 %, corrected p |\n|---|---|---|---|\n";
  std::vector<std::string> others;
  for (const JudgedClaim& claim : judged) {
    if (claim.verdict == Verdict::not_measured) {
      others.push_back(fmt::format("{} ({})", claim.claim->id, name_of(claim.track)));
      continue;
    }
    std::vector<std::string> comparisons;
    for (const JudgedComparison& c : claim.comparisons) comparisons.push_back(comparison_text(c, claim));
    text += fmt::format("| {} ({}) | {} | **{}** | {} |\n", claim.claim->sentence, claim.claim->source,
                        name_of(claim.track), name_of(claim.verdict), fmt::join(comparisons, "<br>"));
  }
  if (!others.empty())
    text += fmt::format("\nNot measured, as not all of their systems were run: {}.\n", fmt::join(others, ", "));
  return text;
}

std::string paper_table() {
  std::string text = "| item | system | benchmark | languages | statistic | value |\n|---|---|---|---|---|---:|\n";
  for (const PaperFigure& f : paper_figures())
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", f.item, f.system, f.benchmark, f.languages, f.statistic,
                        f.value);
  return text;
}

}  // namespace

AllRouting read_routing(const Plan& plan, const fs::path& folder, const std::set<std::string>& finished) {
  AllRouting routing;
  for (const Stage& stage : plan.stages) {
    const auto run = run_stage_of(stage);
    if (!run || run->step != "routing" || !finished.contains(stage.id)) continue;
    const fs::path file = folder / stage.output / "sequences.csv";
    routing[run->system][run->seed] = parse_sequences(read_whole_file(file, largest_scores), file);
  }
  return routing;
}

AllScores read_scores(const Plan& plan, const fs::path& folder, const std::set<std::string>& finished) {
  AllScores scores;
  for (const Stage& stage : plan.stages) {
    const auto planned = planned_score(stage);
    if (!planned || !finished.contains(stage.id)) continue;
    RunScores& run = scores[planned->system][planned->seed];
    const fs::path file = folder / (stage.prints ? stage.output : stage.output + "/problems.csv");
    const std::string text = read_whole_file(file, largest_scores);
    if (stage.prints)
      run.bits_per_byte = parse_bits(text, file);
    else
      run.exercises = parse_problems(text, file);
  }
  return scores;
}

std::string scores_csv(const AllScores& scores) {
  std::string text = "system,track,languages,mean,deviation,low95,high95,seeds\n";
  for (const auto& [name, title] : scored_systems(scores))
    for (const Track track : {Track::exercises, Track::text})
      for (const std::string_view group : table_groups()) {
        const Cell cell = cell_of(scores.at(name), group, track);
        if (cell.values.empty()) continue;
        const double mean = statistics::mean_of(cell.values);
        const auto deviation = statistics::deviation_of(cell.values);
        text += fmt::format("{},{},{},{:.6g},{}", name, name_of(track), group, mean,
                            deviation ? fmt::format("{:.6g}", *deviation) : "");
        const auto interval = track == Track::exercises ? interval_of(cell) : benchmark::Interval();
        text += track == Track::exercises ? fmt::format(",{:.6g},{:.6g}", interval.low, interval.high) : ",,";
        text += fmt::format(",{:.6g}\n", fmt::join(cell.values, " "));
      }
  return text;
}

std::string claims_csv(std::span<const JudgedClaim> claims) {
  std::string text =
      "claim,track,verdict,b,languages,comparison_verdict,advantage,low95,high95,p,corrected_p,smallest_seen,seeds\n";
  for (const JudgedClaim& claim : claims)
    for (const JudgedComparison& c : claim.comparisons) {
      text += fmt::format("{},{},{},{},{},{},", claim.claim->id, name_of(claim.track), name_of(claim.verdict),
                          csv_field(c.b), c.languages, name_of(c.verdict));
      if (!c.advantage)
        text += ",,,,,";
      else if (c.seeds < 2)
        text += fmt::format("{:.6g},,,,,", c.advantage->mean);
      else
        text +=
            fmt::format("{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{}", c.advantage->mean, c.advantage->low, c.advantage->high,
                        c.advantage->p, c.corrected_p, c.smallest_seen ? fmt::format("{:.6g}", *c.smallest_seen) : "");
      text += fmt::format(",{}\n", c.seeds);
    }
  return text;
}

std::string report_text(const Plan& plan, const std::set<std::string>& finished, const AllScores& scores,
                        std::span<const JudgedClaim> judged) {
  std::string text = fmt::format("# Reproduction, scale {}\n\n{}. Numbers by seed: scores.csv, claims.csv.\n",
                                 plan.scale, counted(plan.seeds.size(), "seeds"));
  if (const std::string unfinished = unfinished_text(plan, finished); !unfinished.empty())
    text += fmt::format("\n**{}**\n", unfinished);
  if (plan.scale == "smoke")
    text += "\n**This scale shows that all parts work. Its models have learned next to nothing: quote no number.**\n";
  if (const std::string table = scores_table(plan, scores, Track::exercises); !table.empty())
    text +=
        "\n## Exercises: pass@1, %\n\nMean over seeds ± standard deviation of seeds; \"below x\": no problem was "
        "solved, and a share of x would give that in 5 % of cases.\n\n" +
        table;
  if (const std::string table = scores_table(plan, scores, Track::text); !table.empty())
    text += "\n## Real code: bits per byte\n\nFewer are better.\n\n" + table;
  text +=
      "\n## What the paper says\n\nAdvantages in points of pass@1 or bits per byte. A claim is shown if the difference "
      "has the same sign in every seed, an interval of 95 % without 0, a corrected p below 0.05, and exceeds the "
      "margin that claims.toml set before. Measures of routing are compared with their margin in the same way.\n\n" +
      claims_table(judged);
  text +=
      "\n## The paper's own figures\n\nOf models with 1.8 to 10.8 billion parameters on other benchmarks: no number of "
      "this report can be compared with them.\n\n" +
      paper_table();
  return text;
}

}  // namespace multipl_moe::reproduce
