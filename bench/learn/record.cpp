#include "bench/learn/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "bench/strategies/strategy.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"

namespace moe_bench {

namespace {

using Line = nlohmann::ordered_json;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
/// Maximum size of a file in bytes, more than any study writes.
constexpr std::uint64_t largest_record = std::uint64_t{1} << 30;

Line number_or_null(double value) { return std::isfinite(value) ? Line(value) : Line(nullptr); }
double number_or_nan(const Line& value) { return value.is_null() ? unknown : value.get<double>(); }

Line written(const LevelLoad& level) {
  return {{"layer", level.layer},   {"level", level.level}, {"rows", level.rows},
          {"chosen", level.chosen}, {"kept", level.kept},   {"unserved", level.unserved},
          {"load", level.load},     {"peak", level.peak},   {"peak_of_rest", level.peak_of_rest}};
}

LevelLoad level_of(const Line& line) {
  return {.layer = line.at("layer"),
          .level = line.at("level"),
          .rows = line.at("rows"),
          .chosen = line.at("chosen"),
          .kept = line.at("kept"),
          .unserved = line.at("unserved"),
          .load = line.at("load"),
          .peak = line.at("peak"),
          .peak_of_rest = line.at("peak_of_rest")};
}

StudySetup setup_of(const Line& line) {
  return {.cpu = line.at("cpu"),
          .simd = line.at("simd"),
          .compiler = line.at("compiler"),
          .cores = line.at("cores"),
          .threads = line.at("threads"),
          .data = line.at("data"),
          .train_tokens = line.at("train_tokens"),
          .languages = line.at("languages"),
          // Without these, a record of a version whose tokens were bytes.
          .tokenizer = line.value("tokenizer", std::string()),
          .vocabulary = line.value("vocabulary", multipl_moe::ByteTokenizer().vocab_size()),
          .layers = line.at("layers"),
          .width = line.at("width"),
          .hidden = line.at("hidden"),
          .experts = line.at("experts"),
          .choices = line.at("choices"),
          .window = line.at("window"),
          .steps = line.at("steps"),
          .sequences = line.at("sequences"),
          .length = line.at("length"),
          .learning_rate = line.at("learning_rate"),
          .curve_bytes = line.at("curve_bytes"),
          .test_bytes = line.at("test_bytes")};
}

StepLine step_of(const Line& line) {
  StepLine step{.strategy = current_strategy(line.at("strategy")),
                .seed = line.at("seed"),
                .step = line.at("step"),
                .tokens = line.at("tokens"),
                .seconds = line.at("seconds"),
                .loss = number_or_nan(line.at("loss")),
                .held_out = number_or_nan(line.at("held_out")),
                .levels = {}};
  for (const Line& level : line.at("levels")) step.levels.push_back(level_of(level));
  return step;
}

ResultLine result_of(const Line& line) {
  // The second key is that of version 0.1.
  const char* const invariant = line.contains("batch_invariant") ? "batch_invariant" : "batch_independent";
  ResultLine result{.strategy = current_strategy(line.at("strategy")),
                    .routing = line.at("routing"),
                    .seed = line.at("seed"),
                    .steps = line.at("steps"),
                    .skipped = line.at("skipped"),
                    .tokens = line.at("tokens"),
                    .seconds = line.at("seconds"),
                    .parameters = line.at("parameters"),
                    .causal = line.at("causal"),
                    .batch_invariant = line.at(invariant),
                    .bits_per_byte = {},
                    .failure = line.at("failure")};
  for (const auto& [language, bits] : line.at("bits_per_byte").items())
    result.bits_per_byte.emplace_back(language, number_or_nan(bits));
  return result;
}

/// Parses one line and adds it to the record.
void add_line(Record& record, const std::string& text, bool first) {
  const Line line = Line::parse(text);
  const std::string type = line.at("type");
  if (first != (type == "setup")) throw std::invalid_argument("a setup must be the first line, and no other");
  if (type == "setup")
    record.setup = setup_of(line);
  else if (type == "step")
    record.steps.push_back(step_of(line));
  else if (type == "result")
    record.results.push_back(result_of(line));
  else
    throw std::invalid_argument("type must be setup, step or result, found " + type);
}

}  // namespace

double ResultLine::mean_bits_per_byte() const {
  double sum = 0;
  for (const auto& [language, bits] : bits_per_byte) sum += bits;
  return bits_per_byte.empty() ? unknown : sum / static_cast<double>(bits_per_byte.size());
}

std::string line_of(const StudySetup& s) {
  const Line line{{"type", "setup"},
                  {"cpu", s.cpu},
                  {"simd", s.simd},
                  {"compiler", s.compiler},
                  {"cores", s.cores},
                  {"threads", s.threads},
                  {"data", s.data},
                  {"train_tokens", s.train_tokens},
                  {"languages", s.languages},
                  {"tokenizer", s.tokenizer},
                  {"vocabulary", s.vocabulary},
                  {"layers", s.layers},
                  {"width", s.width},
                  {"hidden", s.hidden},
                  {"experts", s.experts},
                  {"choices", s.choices},
                  {"window", s.window},
                  {"steps", s.steps},
                  {"sequences", s.sequences},
                  {"length", s.length},
                  {"learning_rate", s.learning_rate},
                  {"curve_bytes", s.curve_bytes},
                  {"test_bytes", s.test_bytes}};
  return line.dump() + "\n";
}

std::string line_of(const StepLine& s) {
  Line line{{"type", "step"},
            {"strategy", s.strategy},
            {"seed", s.seed},
            {"step", s.step},
            {"tokens", s.tokens},
            {"seconds", s.seconds},
            {"loss", number_or_null(s.loss)},
            {"held_out", number_or_null(s.held_out)},
            {"levels", Line::array()}};
  for (const LevelLoad& level : s.levels) line["levels"].push_back(written(level));
  return line.dump() + "\n";
}

std::string line_of(const ResultLine& r) {
  Line line{{"type", "result"},
            {"strategy", r.strategy},
            {"routing", r.routing},
            {"seed", r.seed},
            {"steps", r.steps},
            {"skipped", r.skipped},
            {"tokens", r.tokens},
            {"seconds", r.seconds},
            {"parameters", r.parameters},
            {"causal", r.causal},
            {"batch_invariant", r.batch_invariant},
            {"bits_per_byte", Line::object()},
            {"failure", r.failure}};
  for (const auto& [language, bits] : r.bits_per_byte) line["bits_per_byte"][language] = number_or_null(bits);
  return line.dump() + "\n";
}

Record parse_record(const std::string& text, const std::filesystem::path& path) {
  Record record;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    try {
      add_line(record, text.substr(begin, end - begin), begin == 0);
    } catch (const std::exception& error) {
      throw multipl_moe::BadFile(path, begin,
                                 fmt::format("must be a line of a study, found another: {}", error.what()));
    }
  }
  if (begin == 0) throw multipl_moe::BadFile(path, "must begin with a study's setup, found no complete line");
  return record;
}

Record read_record(const std::filesystem::path& path) {
  return parse_record(multipl_moe::read_whole_file(path, largest_record), path);
}

bool is_finished(const Record& record, const std::string& strategy, std::int64_t seed) {
  return std::any_of(record.results.begin(), record.results.end(),
                     [&](const ResultLine& r) { return r.strategy == strategy && r.seed == seed; });
}

std::string finished_lines(const Record& record) {
  std::string text = line_of(record.setup);
  for (const ResultLine& result : record.results) {
    for (const StepLine& step : record.steps)
      if (step.strategy == result.strategy && step.seed == result.seed) text += line_of(step);
    text += line_of(result);
  }
  return text;
}

}  // namespace moe_bench
