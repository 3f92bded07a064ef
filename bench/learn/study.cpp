#include "bench/learn/study.hpp"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bench/learn/load_tally.hpp"
#include "bench/learn/record.hpp"
#include "bench/report/report.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/eval/evaluate.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/folder_lock.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/layer_maker.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace moe_bench {

namespace {

namespace fs = std::filesystem;
using multipl_moe::LanguageFiles;
using multipl_moe::LanguageModel;
using OneStrategy = Strategy<moe::Cpu<>>;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t lines_a_point = 3;
constexpr double deviation = 0.02;

/// The demo model. Its layers are made by the strategies; of the mixture only the list of languages is used.
multipl_moe::ModelConfig config_of(const multipl_moe::Tokenizer& tokenizer) {
  multipl_moe::ModelConfig config = multipl_moe::size_named("demo");
  config.vocab_size = tokenizer.vocab_size();
  config.moe.emplace();
  for (const multipl_moe::Language language : multipl_moe::all_languages)
    config.moe->languages.emplace_back(name_of(language));
  return config;
}

/// Whether `step` is the last of one of `count` equal parts of all `steps`.
bool ends_a_part(std::int64_t step, std::int64_t steps, std::int64_t count) {
  return step * count / steps != (step - 1) * count / steps;
}

struct Texts {
  explicit Texts(const StudyOptions& options)
      : train(open(options, "train")), curve(open(options, "dev")), test(open(options, "test")) {}

  LanguageFiles train, curve, test;

 private:
  static LanguageFiles open(const StudyOptions& options, const char* split) {
    return multipl_moe::open_text(options.data, split, *options.tokenizer, "");
  }
};

StudySetup setup_of(const StudyOptions& options, const Texts& texts) {
  const Machine machine = this_machine(options.threads);
  const multipl_moe::ModelConfig config = config_of(*options.tokenizer);
  StudySetup setup{.cpu = machine.cpu,
                   .simd = machine.simd,
                   .compiler = machine.compiler,
                   .cores = machine.cores,
                   .threads = options.threads,
                   .data = multipl_moe::escaped(options.data.native(), 1000),
                   .train_tokens = 0,
                   .languages = {},
                   .tokenizer = multipl_moe::escaped(options.tokenizer_folder, 1000),
                   .vocabulary = options.tokenizer->vocab_size(),
                   .layers = config.num_hidden_layers,
                   .width = config.hidden_size,
                   .hidden = config.intermediate_size,
                   .experts = options.experts,
                   .choices = options.choices,
                   .window = options.window,
                   .steps = options.steps,
                   .sequences = options.sequences,
                   .length = options.length,
                   .learning_rate = options.learning_rate,
                   .curve_bytes = options.curve_bytes,
                   .test_bytes = options.test_bytes};
  for (const multipl_moe::Language language : multipl_moe::all_languages)
    if (const auto& file = texts.train[index_of(language)]) {
      setup.languages.emplace_back(name_of(language));
      setup.train_tokens += file->token_count();
    }
  return setup;
}

double mean_over_languages(const multipl_moe::Evaluation& evaluation) {
  double sum = 0;
  int count = 0;
  for (const auto& score : evaluation)
    if (score) sum += score->bits_per_byte, ++count;
  return sum / count;
}

/// One model of one strategy and seed, from its initial weights to its result.
class OneRun {
 public:
  OneRun(const OneStrategy& strategy, std::int64_t seed, const StudyOptions& options, const Texts& texts,
         multipl_moe::CheckedFile& file)
      : strategy_(strategy),
        options_(options),
        texts_(texts),
        file_(file),
        model_(multipl_moe::make_language_model(
            config_of(*options.tokenizer), options.threads,
            [&](const multipl_moe::ModelConfig&) { return strategy.make(sizes_of(options)); })) {
    const auto layer = strategy.make(sizes_of(options));
    result_.strategy = strategy.name;
    result_.routing = strategy.routing;
    result_.seed = seed;
    result_.causal = layer.is_causal();
    result_.batch_invariant = layer.is_batch_invariant();
    model_->use_tokenizer(options.tokenizer);
    model_->initialize(static_cast<std::uint64_t>(seed), deviation);
  }

  ResultLine train() {
    multipl_moe::LanguageWeights even{};
    for (std::size_t i = 0; i < even.size(); ++i) even[i] = texts_.train[i] != nullptr;
    multipl_moe::BatchStream stream(texts_.train, even,
                                    {.sequences = options_.sequences,
                                     .length = options_.length,
                                     .seed = static_cast<std::uint64_t>(result_.seed),
                                     .end_of_text = options_.tokenizer->end_of_text()});
    try {
      const auto trained = multipl_moe::train(*model_, stream, train_options());
      if (trained.signal != 0)
        throw multipl_moe::Interrupted(trained.signal, "the same command resumes after the last finished run");
      result_.skipped = trained.skipped;
    } catch (const multipl_moe::NonFinite& error) {
      result_.failure = error.what();
      return result_;
    }
    model_->observe({});
    const auto scores = evaluate(*model_, texts_.test, evaluation_of(options_.test_bytes));
    for (const multipl_moe::Language language : multipl_moe::all_languages)
      if (const auto& score = scores[index_of(language)])
        result_.bits_per_byte.emplace_back(name_of(language), score->bits_per_byte);
    return result_;
  }

 private:
  multipl_moe::TrainOptions train_options() {
    multipl_moe::TrainOptions options;
    options.steps = options_.steps;
    options.learning_rate = options_.learning_rate;
    options.balance_weight = strategy_.losses.balance;
    options.z_weight = strategy_.losses.z;
    options.log_every = 0;
    options.before_run = [this](const multipl_moe::RunBeginning&) {
      for (const auto& gradient : model_->gradients()) result_.parameters += std::ssize(gradient.floats());
      watch();
      resumed_ = Clock::now();
    };
    options.on_report = [this](const multipl_moe::StepReport& report) { loss_ += report.loss; };
    options.after_step = [this](std::int64_t step) { tell(step); };
    return options;
  }

  void watch() {
    model_->observe([this](const moe::Observation& seen) { tally_.add(seen); });
  }

  multipl_moe::EvaluateOptions evaluation_of(std::int64_t bytes) const {
    return {.sequences = options_.sequences, .length = options_.length, .max_bytes = bytes};
  }

  /// Writes a line if one is due after this step. The time that this takes is not counted as training.
  void tell(std::int64_t step) {
    result_.seconds += std::chrono::duration<double>(Clock::now() - resumed_).count();
    result_.steps = step;
    result_.tokens += options_.sequences * options_.length;
    ++steps_since_line_;
    if (ends_a_part(step, options_.steps, lines_a_point * options_.points)) {
      StepLine line{.strategy = result_.strategy,
                    .seed = result_.seed,
                    .step = step,
                    .tokens = result_.tokens,
                    .seconds = result_.seconds,
                    .loss = loss_ / static_cast<double>(steps_since_line_),
                    .held_out = std::numeric_limits<double>::quiet_NaN(),
                    .levels = tally_.take()};
      if (ends_a_part(step, options_.steps, options_.points)) {
        model_->observe({});
        line.held_out = mean_over_languages(evaluate(*model_, texts_.curve, evaluation_of(options_.curve_bytes)));
        watch();
      }
      file_.write(line_of(line));
      loss_ = 0;
      steps_since_line_ = 0;
    }
    resumed_ = Clock::now();
  }

  const OneStrategy& strategy_;
  const StudyOptions& options_;
  const Texts& texts_;
  multipl_moe::CheckedFile& file_;
  std::unique_ptr<LanguageModel> model_;
  ResultLine result_;
  LoadTally tally_;
  Clock::time_point resumed_{};
  double loss_ = 0;
  std::int64_t steps_since_line_ = 0;
};

/// The existing record of the study, or a new one.
Record begun(const fs::path& path, const StudySetup& setup) {
  if (!fs::exists(path)) return {setup, {}, {}};
  Record record = read_record(path);
  if (!(record.setup == setup))
    throw multipl_moe::UsageError(
        fmt::format("[learn] {} must have the same setup, found another; use another --out. In the file: {}Now: {}",
                    multipl_moe::escaped(path.native(), 1000), line_of(record.setup), line_of(setup)));
  return record;
}

}  // namespace

Sizes sizes_of(const StudyOptions& options) {
  const multipl_moe::ModelConfig config = multipl_moe::size_named("demo");
  std::vector<std::string> texts;
  for (multipl_moe::Token token = 0; token < options.tokenizer->vocab_size(); ++token)
    texts.push_back(options.tokenizer->decode({&token, 1}));
  return {.width = config.hidden_size,
          .hidden = config.intermediate_size / options.choices,
          .experts = options.experts,
          .chosen = options.choices,
          .window = options.window,
          .languages = static_cast<Index>(multipl_moe::language_count),
          .texts = std::move(texts)};
}

void run_study(const std::vector<OneStrategy>& strategies, const StudyOptions& options) {
  const Texts texts(options);
  multipl_moe::create_folders(options.out);
  const multipl_moe::FolderLock lock(options.out);
  const fs::path path = options.out / "learn.jsonl";
  const Record record = begun(path, setup_of(options, texts));
  const std::string kept = finished_lines(record);
  multipl_moe::write_file_atomically(path, kept);
  auto file = multipl_moe::CheckedFile::continued(path, kept.size());

  const auto runs = static_cast<std::int64_t>(strategies.size()) * options.seeds;
  std::int64_t number = 0;
  for (std::int64_t seed = 0; seed < options.seeds; ++seed)
    for (const OneStrategy& strategy : strategies) {
      ++number;
      if (is_finished(record, strategy.name, seed)) continue;
      const ResultLine result = OneRun(strategy, seed, options, texts, file).train();
      file.write(line_of(result));
      file.sync();
      if (!options.quiet)
        multipl_moe::notice(
            "{} of {}: {}, seed {}: {:.1f} s, {}\n", number, runs, strategy.name, seed, result.seconds,
            result.failure.empty() ? fmt::format("{:.3f} bits per byte", result.mean_bits_per_byte()) : result.failure);
    }
  file.close();
}

}  // namespace moe_bench
