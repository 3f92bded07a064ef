#include "multipl_moe/probe/leak_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::probe {

namespace {

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string share_text(const DecisionChanges& changes) {
  return changes.compared == 0 ? "" : fmt::format("{} of {}", percent(changes.share()), changes.compared);
}

std::string line_of(const std::string& text, const char* measure, double value, const std::string& error = "",
                    const std::string& bound = "") {
  return fmt::format("{},{},{:.8g},{},{}\n", text, measure, value, error, bound);
}

std::string number_field(double value) { return fmt::format("{:.8g}", value); }

nlohmann::ordered_json json_of(const DecisionChanges& changes) {
  if (changes.compared == 0) return nullptr;
  return {{"compared", changes.compared}, {"changed", changes.changed}};
}

std::string_view name_of(LeakVerdict verdict) {
  return verdict == LeakVerdict::leaks ? "leaks" : verdict == LeakVerdict::looks_ahead ? "looks_ahead" : "none";
}

}  // namespace

std::string verdict_text(const LeakReport& report) {
  const PredictionChanges& changes = report.causality.changes;
  const std::string ahead =
      changes.compared == 0
          ? std::string()
          : fmt::format("{} of its predictions changed when only later tokens were replaced", percent(changes.share()));
  switch (report.verdict()) {
    case LeakVerdict::leaks:
      return fmt::format(
          "The model leaks: it predicts random letters better than any causal model can, which would do so with a "
          "probability of at most 2^-{:.0f}. {}.",
          surprise(report.random.letters), ahead.empty() ? "Later tokens were not replaced" : ahead);
    case LeakVerdict::looks_ahead:
      return fmt::format(
          "The model looks ahead: {}. On random letters this has not helped it beyond what a causal model can know; "
          "training on such letters shows whether it learns to use it.",
          ahead);
    case LeakVerdict::none:
      break;
  }
  return fmt::format("No leak was found: random letters are predicted no better than a causal model can{}.",
                     ahead.empty() ? "" : ", and no prediction changed when only later tokens were replaced");
}

std::string leak_page(const LeakReport& report, const std::string& model) {
  const RandomScores& scores = report.random;
  const LetterScores& letters = scores.letters;
  std::string text = fmt::format("# What {} knows of later tokens\n\n{}\n\n", escaped(model), verdict_text(report));
  text += fmt::format(
      "| {} random {} digits and {} line ends | measured | standard error | a causal model, on average |\n"
      "|---|---:|---:|---|\n"
      "| accuracy of the next token | {} | {} | at most {} |\n"
      "| bits per byte | {:.4f} | {:.4f} | at least {:.4f} |\n"
      "| bits saved on digits, in total | {:.1f} | | at most 0 |\n"
      "| probability of such scores | | | at most 2^-{:.1f} |\n\n",
      letters.letters, report.alphabet.name, scores.targets - letters.letters, percent(scores.accuracy()),
      percent(scores.accuracy_error), percent(scores.most_accuracy()), scores.bits_per_byte(), scores.bits_error,
      scores.least_bits(), bits_saved(letters), surprise(letters));
  text +=
      "| text | tokens | bits per byte, with the rest of the batch | with its own prefix alone | difference | standard "
      "error | segments with other experts after a change in their last half | rows with other experts after a change "
      "in other sequences |\n|---|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const TextLeak& leak : report.texts) {
    const PrefixScores& prefixes = leak.prefixes;
    text += fmt::format("| {} | {} | {:.4f} | {:.4f} | {:.4f} | {:.4f} | {} | {} |\n", leak.text, prefixes.tokens,
                        prefixes.claimed, prefixes.decodable, prefixes.decodable - prefixes.claimed, prefixes.error,
                        share_text(leak.last_half), share_text(leak.neighbors));
  }
  return text;
}

std::string leak_csv(const LeakReport& report) {
  const RandomScores& scores = report.random;
  const std::string letters = report.texts.front().text;
  std::string text = "text,measure,value,error,bound\n";
  text += line_of(letters, "accuracy", scores.accuracy(), number_field(scores.accuracy_error),
                  number_field(scores.most_accuracy()));
  text += line_of(letters, "bits_per_byte", scores.bits_per_byte(), number_field(scores.bits_error),
                  number_field(scores.least_bits()));
  text += line_of(letters, "surprise_bits", surprise(scores.letters));
  if (report.causality.changes.compared > 0) text += line_of(letters, "changed", report.causality.changes.share());
  for (const TextLeak& leak : report.texts) {
    text += line_of(leak.text, "claimed", leak.prefixes.claimed);
    text += line_of(leak.text, "decodable", leak.prefixes.decodable, number_field(leak.prefixes.error));
    if (leak.last_half.compared > 0) text += line_of(leak.text, "last_half", leak.last_half.share());
    if (leak.neighbors.compared > 0) text += line_of(leak.text, "neighbors", leak.neighbors.share());
  }
  return text;
}

std::string leak_json(const LeakReport& report) {
  const RandomScores& scores = report.random;
  const PredictionChanges& changes = report.causality.changes;
  nlohmann::ordered_json out{{"verdict", name_of(report.verdict())},
                             {"causal", report.causality.is_by_design},
                             {"changed_predictions", nullptr},
                             {"random",
                              {{"alphabet", report.alphabet.name},
                               {"letters", scores.letters.letters},
                               {"line_ends", scores.targets - scores.letters.letters},
                               {"accuracy", scores.accuracy()},
                               {"accuracy_error", scores.accuracy_error},
                               {"most_accuracy", scores.most_accuracy()},
                               {"bits_per_byte", scores.bits_per_byte()},
                               {"bits_error", scores.bits_error},
                               {"least_bits", scores.least_bits()},
                               {"bits_saved", bits_saved(scores.letters)},
                               {"surprise_bits", surprise(scores.letters)}}},
                             {"texts", nlohmann::ordered_json::object()}};
  if (changes.compared > 0) out["changed_predictions"] = changes.share();
  for (const TextLeak& leak : report.texts)
    out["texts"][leak.text] = {{"tokens", leak.prefixes.tokens},       {"claimed", leak.prefixes.claimed},
                               {"decodable", leak.prefixes.decodable}, {"error", leak.prefixes.error},
                               {"last_half", json_of(leak.last_half)}, {"neighbors", json_of(leak.neighbors)}};
  return out.dump(2);
}

}  // namespace multipl_moe::probe
