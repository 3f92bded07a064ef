#include "multipl_moe/probe/leak.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "../support/wrapped_model.hpp"
#include "../train/tiny_run.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/probe/leak_report.hpp"
#include "support/catch.hpp"

namespace leak_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using probe::LeakVerdict;

namespace {

const probe::LeakOptions small{.sequences = 3, .length = 32, .lines = 12, .windows = 3, .positions = 2};

std::unique_ptr<LanguageModel> random_mixture(const std::string& architecture) {
  ModelConfig config = tiny_config();
  config.moe = mixture_named(architecture, config.intermediate_size);
  if (config.moe && config.moe->num_segment_experts > 0) config.moe->segment_window = 8;
  auto model = make_language_model(config, 1);
  model->initialize(7, 0.4);
  return model;
}

/// Guesses 16 digits and the line end with equal probability. A model that leaks knows every eighth token of a
/// sequence, if it is in the input.
class Guesser final : public WrappedModel {
 public:
  explicit Guesser(bool leaks) : WrappedModel(random_mixture("dense")), leaks_(leaks) {}

  bool is_causal() const override { return !leaks_; }
  TokenScores score(const Sequences& batch) const override {
    TokenScores scores;
    for (std::size_t i = 0; i < batch.targets.size(); ++i) {
      const auto t = static_cast<std::int64_t>(i) % batch.length;
      const bool knows = leaks_ && t % 8 == 0 && t + 1 < batch.length && batch.tokens[i + 1] == batch.targets[i];
      scores.losses.push_back(knows ? 0 : std::log(17));
      scores.hits.push_back(knows || batch.targets[i] == '0');
    }
    return scores;
  }
  std::vector<float> logits_after(std::span<const Token>, std::span<const std::optional<Language>>) const override {
    std::vector<float> logits(257, -1e9f);
    for (const char letter : std::string("0123456789abcdef\n")) logits[static_cast<unsigned char>(letter)] = 3;
    return logits;
  }

 private:
  bool leaks_;
};

/// Bytes, but some pairs of them are one token.
class PairTokenizer final : public Tokenizer {
 public:
  explicit PairTokenizer(std::vector<std::string> pairs) : pairs_(std::move(pairs)) {}
  std::string name() const override { return "pairs"; }
  std::int64_t vocab_size() const override { return 258; }
  Token end_of_text() const override { return 256; }
  std::uint64_t hash() const override { return 1; }
  std::vector<Token> encode(std::string_view text) const override {
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool is_pair = std::count(pairs_.begin(), pairs_.end(), text.substr(i, 2)) > 0;
      tokens.push_back(is_pair ? 257 : static_cast<unsigned char>(text[i]));
      i += is_pair;
    }
    return tokens;
  }
  std::vector<Token> encode_with_special(std::string_view text) const override { return encode(text); }
  std::vector<TextPart> split_at_special(std::string_view text) const override { return {{text}}; }
  std::string decode(std::span<const Token>) const override { return ""; }
  std::int64_t byte_length(Token token) const override { return token == 257 ? 2 : 1; }
  void write_files(const std::filesystem::path&) const override {}

 private:
  std::vector<std::string> pairs_;
};

}  // namespace

TEST_CASE("a model that guesses comes out clean, one that knows every eighth letter leaks", "[probe]") {
  for (const bool leaks : {false, true}) {
    INFO(leaks);
    Guesser model(leaks);
    const probe::LeakReport report = probe::measure_leak(model, {}, {.lines = 40, .windows = 4, .positions = 0});
    const probe::RandomScores& scores = report.random;
    CHECK(scores.targets == 9 * 256);  // of 2,559, whole sequences
    CHECK(scores.targets - scores.letters.letters == 9 * 4);
    CHECK(scores.most_accuracy() == Approx(4.9375 / 64));
    CHECK(scores.least_bits() == Approx(63 * 4 / 64.));
    CHECK(report.verdict() == (leaks ? LeakVerdict::leaks : LeakVerdict::none));
    CHECK((probe::surprise(scores.letters) > 500) == leaks);
    CHECK((scores.accuracy() > scores.most_accuracy() + 5 * scores.accuracy_error) == leaks);
    CHECK((scores.bits_per_byte() < scores.least_bits()) == leaks);
    const probe::TextLeak& text = report.texts.at(0);
    CHECK(text.prefixes.tokens == 4 * 256);
    CHECK(text.prefixes.decodable == Approx(std::log2(17)));
    // 32 of 256 positions, at the last of which the letter is in the input, too.
    CHECK(text.prefixes.decodable - text.prefixes.claimed == Approx(leaks ? std::log2(17) / 8 : 0).margin(1e-6));
    CHECK(text.prefixes.error == Approx(0).margin(1e-6));
    CHECK_THAT(probe::verdict_text(report),
               ContainsSubstring(leaks ? "leaks: it predicts random letters better" : "No leak was found"));
    CHECK((report.causality.changes.changed > 0) == leaks);
  }
}

TEST_CASE("no decision of a causal mixture depends on later tokens or other sequences", "[probe]") {
  const auto model = random_mixture("causal-multipl-moe");
  const probe::LeakReport report = probe::measure_leak(*model, {}, small);
  CHECK(report.verdict() == LeakVerdict::none);
  const probe::TextLeak& text = report.texts.at(0);
  CHECK(text.last_half.compared == 3 * 4 * 2);  // windows, segments, layers
  CHECK(text.last_half.changed == 0);
  CHECK(text.neighbors.compared == 3 * (32 + 4) * 2);
  CHECK(text.neighbors.changed == 0);
  CHECK(std::abs(text.prefixes.decodable - text.prefixes.claimed) < 1e-4);
}

TEST_CASE("segments of the paper's model are routed by their last half and by other sequences", "[probe]") {
  const auto model = random_mixture("multipl-moe");
  const probe::LeakReport report = probe::measure_leak(*model, {}, small);
  CHECK(report.verdict() == LeakVerdict::looks_ahead);
  CHECK_THAT(probe::verdict_text(report), ContainsSubstring("looks ahead"));
  const probe::TextLeak& text = report.texts.at(0);
  CHECK(text.last_half.compared == 3 * 4 * 2);
  CHECK(text.last_half.share() > 0.1);
  CHECK(text.neighbors.changed > 0);
  CHECK(std::abs(text.prefixes.decodable - text.prefixes.claimed) > 1e-4);

  const nlohmann::json json = nlohmann::json::parse(probe::leak_json(report));
  CHECK(json["verdict"] == "looks_ahead");
  CHECK(json["causal"] == false);
  CHECK(json["texts"]["random letters"]["last_half"]["changed"] == text.last_half.changed);
  CHECK_THAT(probe::leak_csv(report), ContainsSubstring("random letters,last_half,"));
}

TEST_CASE("a dense model has no decisions, and one sequence has no neighbors", "[probe]") {
  const auto dense = random_mixture("dense");
  const probe::TextLeak of_dense = probe::measure_leak(*dense, {}, small).texts.at(0);
  CHECK(of_dense.last_half.compared == 0);
  CHECK(of_dense.neighbors.compared == 0);
  probe::LeakOptions alone = small;
  alone.sequences = 1;
  const probe::LeakReport report = probe::measure_leak(*random_mixture("causal-multipl-moe"), {}, alone);
  CHECK(report.texts.at(0).neighbors.compared == 0);
  CHECK(report.texts.at(0).last_half.compared > 0);
  CHECK(nlohmann::json::parse(probe::leak_json(report))["texts"]["random letters"]["neighbors"].is_null());
}

TEST_CASE("letters are chosen so that each is a token, and refused otherwise", "[probe]") {
  CHECK(probe::alphabet_for("", ByteTokenizer()).name == "hex");
  CHECK(probe::alphabet_for("decimal", ByteTokenizer()).name == "decimal");
  const PairTokenizer words({"fe"}), numbers({"fe", "12"}), line_ends({"9\n", "f\n"});
  CHECK(probe::alphabet_for("", words).name == "decimal");
  const auto refused = [](const std::string& name, const Tokenizer& tokenizer, const std::string& text) {
    try {
      probe::alphabet_for(name, tokenizer);
      FAIL("not refused");
    } catch (const UsageError& error) {
      CHECK_THAT(error.what(), ContainsSubstring("must be a token for itself") && ContainsSubstring(text));
    }
  };
  refused("hex", words, "--alphabet decimal");
  refused("", numbers, "exact only for letters that are tokens");
  refused("", line_ends, "exact only for letters that are tokens");
}

TEST_CASE("texts that are too short and predictions that are no numbers are errors", "[probe]") {
  auto model = random_mixture("dense");
  probe::LeakOptions options = small;
  options.lines = 1;
  options.length = 64;
  CHECK_THROWS_AS(probe::measure_leak(*model, {}, options), UsageError);
  options.lines = 2;
  CHECK(probe::measure_leak(*model, {}, options).random.targets == 64);
  for (const TensorRef& tensor : model->tensors())
    if (tensor.name == "model.norm.weight") tensor.floats()[0] = NAN;
  CHECK_THROWS_AS(probe::measure_leak(*model, {}, options), Failure);
}

}  // namespace leak_test
