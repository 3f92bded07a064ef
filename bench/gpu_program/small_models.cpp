/// The stages with small models, whose results the CPU computes too.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <set>

#include "bench/gpu_program/deviation.hpp"
#include "bench/gpu_program/model_values.hpp"
#include "bench/gpu_program/stages.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace gpu_program {

namespace {

using multipl_moe::AdamWPrecision;
using multipl_moe::LanguageModel;
using multipl_moe::ModelConfig;
using multipl_moe::TensorRef;
using multipl_moe::Token;

ModelConfig small_config() {
  ModelConfig config = multipl_moe::size_named("tiny");
  config.intermediate_size = 64;
  config.vocab_size = 96;
  return config;
}

/// Every architecture that a configuration can name, as published but small.
std::vector<ModelConfig> small_architectures() {
  std::vector<ModelConfig> all{small_config()};
  for (const std::string& name : multipl_moe::mixture_names()) {
    ModelConfig config = small_config();
    auto moe = multipl_moe::mixture_named(name, config.intermediate_size).value();
    moe.num_token_experts = 4;
    moe.num_experts_per_tok = std::min<std::int64_t>(moe.num_experts_per_tok, 2);
    if (moe.num_segment_experts > 0) moe.num_segment_experts = 3;
    moe.segment_window = 4;
    moe.segment_expert_cap = 2;
    moe.lora_rank = 3;
    moe.language_rank = 2;
    moe.shared_rank = 4;
    config.moe = std::move(moe);
    if (const auto fault = fault_in(config)) throw multipl_moe::Failure(fmt::format("{}: {}", name, *fault));
    all.push_back(std::move(config));
  }
  return all;
}

/// Uniform numbers of mean 0 and deviation 1 that depend on the stream alone.
class Draw {
 public:
  explicit Draw(std::uint64_t stream) : state_(stream * 0x9E3779B97F4A7C15u + 1) {}
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return std::sqrt(3.0) * (2 * static_cast<double>(state_ >> 11) * 0x1p-53 - 1);
  }

 private:
  std::uint64_t state_;
};

/// Weights that bfloat16 holds exactly, so small that no softmax is saturated: rounding would be amplified.
void draw_weights(LanguageModel& model, std::uint64_t stream) {
  Draw draw(stream);
  for (const TensorRef& tensor : model.tensors()) {
    if (tensor.is_buffer) continue;
    const bool is_norm = tensor.name.find("norm") != std::string::npos;
    fill_values(tensor, [&](std::size_t) {
      const double drawn = is_norm ? 1 + draw.next() / 8 : draw.next() / 12;
      return moe::widened(moe::BFloat16(static_cast<float>(drawn)));
    });
  }
}

/// Two texts.
struct Texts {
  std::int64_t length = 6;
  std::vector<Token> tokens, targets;
  std::vector<multipl_moe::Language> languages{multipl_moe::Language::rust, multipl_moe::Language::python};

  explicit Texts(const ModelConfig& config)
      : tokens(random_tokens(2 * length, config.vocab_size, 5)),
        targets(random_tokens(2 * length, config.vocab_size, 6)) {}
  multipl_moe::Sequences batch() const {
    return {.count = 2, .length = length, .tokens = tokens, .targets = targets, .languages = languages};
  }
};

using Values = std::map<std::string, std::vector<double>>;

/// Everything that a model computes of the texts, and the experts that it has chosen.
struct Results {
  Values values;
  std::vector<int> choices;
};

std::vector<int> choices_of(LanguageModel& model, const Texts& texts) {
  std::vector<int> all;
  const auto before = model.observe([&](const moe::Observation& seen) {
    for (const moe::ChoiceOrder choice : seen.kept) all.push_back(choice != 0);
  });
  model.draw_by({.seed = 4, .step = 2});
  model.accumulate(texts.batch(), 1, {});
  model.discard_step();
  const auto hits = model.score(texts.batch()).hits;
  all.insert(all.end(), hits.begin(), hits.end());
  model.observe(before);
  return all;
}

Results results_of(LanguageModel& model, const Texts& texts) {
  Results results;
  results.choices = choices_of(model, texts);
  const auto loss = model.accumulate(texts.batch(), 1, {.balance = 0.3, .z = 0.1});
  results.values["loss"] = {loss.loss};
  results.values["auxiliary losses"] = {loss.balance, loss.z};
  for (const TensorRef& gradient : model.gradients()) {
    const auto values = floats_of(gradient);
    results.values[gradient.name].assign(values.begin(), values.end());
  }
  model.discard_step();
  results.values["scores"] = model.score(texts.batch()).losses;
  const std::vector<std::optional<multipl_moe::Language>> languages(static_cast<std::size_t>(texts.length),
                                                                    texts.languages.front());
  const auto logits =
      model.logits_after(std::span(texts.tokens).first(static_cast<std::size_t>(texts.length)), languages);
  results.values["logits"].assign(logits.begin(), logits.end());
  if (!model.is_causal()) return results;
  const auto decoding = model.begin_decoding();
  decoding->join(std::span(texts.tokens).first(static_cast<std::size_t>(texts.length - 1)),
                 std::span(languages).first(languages.size() - 1));
  const auto decoded = decoding->next(std::span(texts.tokens).subspan(static_cast<std::size_t>(texts.length - 1), 1),
                                      std::span(languages).first(1));
  results.values["decoded logits"].assign(decoded.begin(), decoded.end());
  return results;
}

bool is_gradient(const std::string& name) { return name.ends_with(".grad"); }
double square_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

/// The largest relative squared error, and what has it. A gradient counts as one of at least a twentieth of the root
/// mean square of all: rounding leaves little of sums that nearly cancel. The bias of keys has none but rounding.
LargestDeviation largest_deviation(const Values& expected, const Values& found) {
  double squares = 0, count = 0;
  for (const auto& [name, values] : expected)
    if (is_gradient(name)) squares += square_of(values), count += static_cast<double>(values.size());
  LargestDeviation largest;
  for (const auto& [name, values] : expected) {
    if (name.ends_with("k_proj.bias.grad")) continue;
    const auto other = found.find(name);
    double noise = INFINITY;
    if (other != found.end() && other->second.size() == values.size()) {
      noise = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        noise += (other->second[i] - values[i]) * (other->second[i] - values[i]);
    }
    const double least = is_gradient(name) ? 0.05 * 0.05 * squares / count * static_cast<double>(values.size()) : 1e-6;
    largest.add(noise / std::max(square_of(values), least), name);
  }
  return largest;
}

/// A model on the CPU whose choices noise on the weights, several times as large as rounding, does not change.
std::unique_ptr<LanguageModel> model_with_margin(const ModelConfig& config, const Texts& texts) {
  constexpr std::uint64_t streams = 1000;
  auto model = multipl_moe::make_language_model(config, 1), noisy = multipl_moe::make_language_model(config, 1);
  for (const auto& each : {model.get(), noisy.get()}) each->begin_training(moe::TrainByName());
  for (std::uint64_t stream = 0; stream < streams; ++stream) {
    draw_weights(*model, stream);
    const auto own = choices_of(*model, texts);
    bool is_kept = true;
    for (std::uint64_t noise = 1; noise <= 8 && is_kept; ++noise) {
      copy_values(*model, *noisy);
      Draw draw(1000 * noise + stream);
      for (const TensorRef& tensor : noisy->tensors()) {
        if (tensor.is_buffer) continue;
        const auto values = floats_of(tensor);
        fill_values(tensor, [&](std::size_t i) { return values[i] * (1 + 0.01 * draw.next()); });
      }
      is_kept = choices_of(*noisy, texts) == own;
    }
    if (is_kept) return model;
  }
  throw multipl_moe::Failure(
      fmt::format("{}: no model of {} makes choices that noise does not change", config.architecture(), streams));
}

}  // namespace

void compare_models(const StageContext& on) {
  constexpr double bar = 4e-3;
  double worst = 0;
  int agreeing = 0;
  const auto all = small_architectures();
  for (const ModelConfig& config : all) {
    const std::string name(config.architecture());
    const Texts texts(config);
    const auto here = model_with_margin(config, texts);
    const auto there = on.subject.make(config);
    copy_values(*here, *there);
    there->begin_training(moe::TrainByName(), {moe::MasterWeights::split, AdamWPrecision::Moments::float32}, 1);
    const Results expected = results_of(*here, texts), found = results_of(*there, texts);
    if (expected.choices != found.choices) {
      on.page.fail(fmt::format("{}: the device chooses other experts or tokens than the CPU", name));
      continue;
    }
    const auto [deviation, what] = largest_deviation(expected.values, found.values);
    on.page.figure(fmt::format("{}, largest in {}", name, what), deviation, "NMSE",
                   Target{.required = bar, .at_least = false});
    if (!(deviation <= bar)) on.page.fail(fmt::format("{}: {} deviates by {:.2g}", name, what, deviation));
    worst = std::max(worst, deviation);
    agreeing += deviation <= bar;
  }
  on.page.in_short(
      fmt::format("{} of {} architectures agree with the CPU, NMSE at most {:.2g}", agreeing, all.size(), worst));
}

// --- tiny trainings -------------------------------------------------------------------------------------------------

namespace {

/// A text that can be learned, in a folder that is removed at the end.
class TinyData {
 public:
  TinyData(const std::filesystem::path& folder, const ModelConfig& config) : folder_(folder) {
    // A stage that was killed has left its run there, which a new one does not replace.
    std::filesystem::remove_all(folder_);
    multipl_moe::create_folders(folder_);
    multipl_moe::TokenFileWriter writer(folder_ / "python.train.tokens", config.vocab_size, hash);
    std::vector<Token> document;
    for (std::uint64_t d = 0; d < 64; ++d) {
      document.clear();
      for (std::uint64_t i = 0; i < 96; ++i)
        document.push_back(
            static_cast<Token>((d % 7 + 3 * i + i * i % 5) % static_cast<std::uint64_t>(config.vocab_size - 1)));
      writer.append(document);
    }
    writer.finish();
    files_ = multipl_moe::open_language_files(folder_, "train", hash);
    end_of_text_ = static_cast<Token>(config.vocab_size - 1);
  }
  TinyData(const TinyData&) = delete;
  TinyData& operator=(const TinyData&) = delete;
  ~TinyData() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  multipl_moe::BatchStream stream() const {
    multipl_moe::LanguageWeights weights{};
    weights[index_of(multipl_moe::Language::python)] = 1;
    return {files_, weights, {.sequences = 2, .length = 32, .seed = 1, .end_of_text = end_of_text_}};
  }
  std::filesystem::path run() const { return folder_ / "run"; }

 private:
  static constexpr std::uint64_t hash = 1;
  std::filesystem::path folder_;
  multipl_moe::LanguageFiles files_;
  Token end_of_text_ = 0;
};

multipl_moe::TrainOptions tiny_options(const ModelConfig& config, std::int64_t steps) {
  multipl_moe::TrainOptions options;
  options.steps = steps;
  options.accumulation = 2;
  options.learning_rate = 0.01;
  options.log_every = 0;
  options.trains = multipl_moe::post_training_weights(config);
  return options;
}
multipl_moe::TrainOptions in_bfloat16(multipl_moe::TrainOptions options) {
  options.precision = {moe::MasterWeights::split, AdamWPrecision::Moments::float32};
  return options;
}

/// The loss of each step; NaN of one that the trainer skips because its gradient is not finite.
std::vector<double> losses_of(LanguageModel& model, const TinyData& data, multipl_moe::TrainOptions options) {
  std::vector<double> losses;
  options.on_report = [&](const multipl_moe::StepReport& report) {
    losses.push_back(std::isfinite(report.gradient_norm) ? report.loss : NAN);
  };
  auto stream = data.stream();
  train(model, stream, options);
  return losses;
}

}  // namespace

void train_tiny(const StageContext& on) {
  ModelConfig dense_config = small_config();
  const auto dense = multipl_moe::make_language_model(dense_config, 1);
  draw_weights(*dense, 1);
  auto mixture = multipl_moe::mixture_named("multipl-moe", dense_config.intermediate_size).value();
  mixture.num_token_experts = 4;
  mixture.num_segment_experts = 3;
  mixture.segment_window = 8;
  const auto start = upcycled(*dense, mixture, {.seed = 4});
  const auto rounded = multipl_moe::make_language_model(start->config(), 1, multipl_moe::ModelDtype::bfloat16);
  copy_values(*start, *rounded);
  copy_values(*rounded, *start);
  const ModelConfig& config = start->config();
  const TinyData data(on.folder / "tiny", config);
  const auto on_device = [&] {
    auto model = on.subject.make(config);
    copy_values(*start, *model);
    return model;
  };

  const auto here = multipl_moe::make_language_model(config, 1);
  copy_values(*start, *here);
  const auto options = tiny_options(config, on.sizes.tiny_steps);
  const auto expected = losses_of(*here, data, options);
  const auto there = on_device();
  const Stopwatch watch;
  const auto found = losses_of(*there, data, in_bfloat16(options));
  const double seconds = watch.seconds();
  LargestDeviation difference;
  for (std::size_t i = 0; i < expected.size(); ++i)
    difference.add(std::abs(expected[i] - found.at(i)), fmt::format("step {}", i + 1));
  constexpr double bar = 0.05;
  on.page.figure("first loss, on the CPU in float32", expected.front(), "nats");
  on.page.figure("first loss, on the device in bfloat16", found.front(), "nats");
  on.page.figure("last loss, on the CPU in float32", expected.back(), "nats");
  on.page.figure("last loss, on the device in bfloat16", found.back(), "nats");
  on.page.figure(fmt::format("largest difference, in {}", difference.what), difference.value, "nats",
                 Target{.required = bar, .at_least = false});
  on.page.figure("step on the device", 1e3 * seconds / static_cast<double>(found.size()), "ms");
  if (!(difference.value <= bar))
    on.page.fail(fmt::format("the losses differ by {:.3g} in {}", difference.value, difference.what));
  if (!(expected.back() < 0.98 * expected.front())) on.page.fail("the model learns nothing: equal losses show nothing");

  const auto few = in_bfloat16(tiny_options(config, std::min<std::int64_t>(10, on.sizes.tiny_steps)));
  std::set<std::uint64_t> hashes;
  for (std::int64_t i = 0; i < on.sizes.repeats; ++i) {
    const auto model = on_device();
    losses_of(*model, data, few);
    hashes.insert(hash_of(*model));
  }
  on.page.figure(fmt::format("hashes of {} equal runs", on.sizes.repeats), static_cast<double>(hashes.size()), "",
                 Target{.required = 1, .at_least = false});
  if (hashes.size() != 1) on.page.fail(fmt::format("{} equal runs have {} hashes", on.sizes.repeats, hashes.size()));

  auto stopped = few;
  stopped.run = data.run();
  stopped.after_step = [&](std::int64_t step) {
    if (step == few.steps / 2) std::raise(SIGTERM);
  };
  losses_of(*on_device(), data, stopped);
  auto resumed = few;
  resumed.run = data.run();
  resumed.start = multipl_moe::RunStart::resume;
  const auto again = on_device();
  const auto rest = losses_of(*again, data, resumed);
  const bool is_half = std::ssize(rest) == few.steps - few.steps / 2;
  const bool is_equal = is_half && hashes.contains(hash_of(*again));
  on.page.figure("a run that was stopped and resumed has the bits of the others", is_equal ? 1 : 0, "",
                 Target{.required = 1});
  if (!is_equal) on.page.fail("a resumed run has other bits than one in one piece");
  on.page.in_short(fmt::format("loss {:.4f} on the CPU, {:.4f} on the device; {} runs, {} hash{}; resumed {}",
                               expected.back(), found.back(), on.sizes.repeats, hashes.size(),
                               hashes.size() == 1 ? "" : "es", is_equal ? "to the bit" : "with other bits"));
}

}  // namespace gpu_program
