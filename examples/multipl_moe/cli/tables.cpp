#include "multipl_moe/cli/tables.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

std::string kilobytes(std::int64_t bytes) { return fmt::format("{:.0f}", static_cast<double>(bytes) / 1e3); }

}  // namespace

std::string prepare_table(const PrepareReport& report) {
  std::string text = fmt::format("{:<8} {:>7} {:>9} {:>10} {:>9} {:>10} {:>9} {:>10} {:>9}\n", "", "files", "filtered",
                                 "train docs", "kB", "dev docs", "kB", "test docs", "kB");
  for (const Language language : all_languages) {
    const LanguageReport& r = report.languages[index_of(language)];
    std::int64_t left_out = 0;
    for (const std::int64_t count : r.filtered) left_out += count;
    text += fmt::format("{:<8} {:>7} {:>9}", title_of(language), r.files, left_out);
    for (const Split split : all_splits) {
      const SplitReport& s = r.splits[index_of(split)];
      text += fmt::format(" {:>10} {:>9}", s.documents, kilobytes(s.bytes));
    }
    text += '\n';
  }
  for (const Language language : all_languages)
    if (const std::int64_t excluded = report.languages[index_of(language)].excluded; excluded > 0)
      text += fmt::format("{} of {} left out of train: they share {} with a benchmark of --exclude\n",
                          counted(excluded, "files"), title_of(language), counted(run_tokens, "consecutive tokens"));
  if (!report.excluded_benchmarks.empty()) {
    std::int64_t problems = 0, without_runs = 0;
    for (const ExcludedBenchmark& benchmark : report.excluded_benchmarks) {
      problems += benchmark.problems;
      without_runs += benchmark.problems_without_runs;
    }
    text += fmt::format("{} of {} of --exclude too short or too common to be found; report.json has the counts\n",
                        without_runs, counted(problems, "problems"));
  }
  text +=
      fmt::format("{} of other types; report.json has the count of each filter", counted(report.other_files, "files"));
  return text;
}

std::string evaluation_table(const Evaluation& evaluation) {
  std::string text =
      fmt::format("{:<19} {:>12} {:>14} {:>10} {:>9}\n", "", "nats/token", "bits per byte", "accuracy", "tokens");
  for (const Language language : all_languages)
    if (const auto& s = evaluation[index_of(language)])
      text += fmt::format("{:<19} {:>12.4f} {:>14.4f} {:>9.1f}% {:>9}\n", title_of(language), s->loss, s->bits_per_byte,
                          100 * s->accuracy, s->tokens);
  const double high = mean_bits_per_byte(evaluation, Resource::high),
               low = mean_bits_per_byte(evaluation, Resource::low);
  if (!std::isnan(high)) text += fmt::format("{:<19} {:>12} {:>14.4f}\n", "mean, high-resource", "", high);
  if (!std::isnan(low)) text += fmt::format("{:<19} {:>12} {:>14.4f}\n", "mean, low-resource", "", low);
  text.pop_back();
  return text;
}

std::string evaluation_json(const Evaluation& evaluation, const Causality& causality) {
  nlohmann::ordered_json out{{"causal", causality.is_by_design}, {"changed_predictions", nullptr}};
  if (causality.changes.compared > 0) out["changed_predictions"] = causality.changes.share();
  for (const Language language : all_languages)
    if (const auto& s = evaluation[index_of(language)])
      out[std::string(name_of(language))] = {
          {"loss", s->loss}, {"bits_per_byte", s->bits_per_byte}, {"accuracy", s->accuracy}, {"tokens", s->tokens}};
  return out.dump(2);
}

std::string printable_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, std::max<std::size_t>(1, code_point_bytes(text)));
    const bool stays = character == "\n" || character == "\t" || character == "\\";
    shown += stays ? std::string(character) : escaped(character);
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace multipl_moe
