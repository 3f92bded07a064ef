#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/demo_report.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/run_training.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/data/prepare.hpp"
#include "multipl_moe/eval/generate.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/memory_plan.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;

struct DemoFlags {
  std::vector<fs::path> corpus;
  std::string output = "demo";
  std::int64_t base_steps = 2600, post_steps = 1200;
  std::int64_t batch_size = 4, sequence_length = 256;
  std::int64_t train_bytes = 3'000'000, eval_bytes = 32'768;
  double base_rate = 4e-3, post_rate = 1e-3;
  std::string mix = "9:1";
  std::uint64_t seed = 0;
  std::int64_t log_every = 250;
  int threads = 0;
  bool quiet = false;
};

/// The demo's layer: in a batch of 4 x 256 tokens, windows of 16 tokens give V = 64 segments and r = 10, as in the
/// paper.
MoeConfig demo_mixture(std::string_view fusion) {
  MoeConfig moe = mixture_named("causal-multipl-moe").value();
  moe.segment_window = 16;
  moe.fusion = fusion;
  moe.balance = "routed";
  return moe;
}

class Demo {
 public:
  explicit Demo(const DemoFlags& flags) : flags_(flags), out_(flags.output) {}

  void run() {
    require_memory();
    prepare_data();
    train_files_ = open_language_files(out_ / "data", "train", ByteTokenizer().hash());
    test_files_ = open_language_files(out_ / "data", "test", ByteTokenizer().hash());

    say("base: pretraining of a dense model on Python, Java and C++");
    const auto base = make_language_model(size_named("demo"), flags_.threads);
    base->initialize(flags_.seed, 0.02);
    TrainOptions options = common_options("base", flags_.base_steps, flags_.base_rate);
    train_part(*base, grouped_weights(0, 1, present_in(train_files_)), options, "base");
    scores_.base = score(*base);

    say("upcycling: every FFN becomes 6 token experts and 6 segment experts");
    const auto fixed = upcycle(*base, "fixed");
    scores_.start_fixed = score(*fixed);
    const auto multipl = upcycle(*base, "normalized");
    scores_.start_normalized = score(*multipl);
    save_model(*multipl, out_ / "upcycled");

    const auto [low, high] = parse_mix(flags_.mix);
    const LanguageWeights mix = grouped_weights(low, high, present_in(train_files_));
    say("MultiPL-MoE: training of new experts and routers, low- to high-resource languages " + flags_.mix);
    options = common_options("multipl-moe", flags_.post_steps, flags_.post_rate);
    options.trains = post_training_weights(multipl->config());
    train_part(*multipl, mix, options, "MultiPL-MoE");
    scores_.multipl = score(*multipl);

    say("dense control: training of all weights of the base on the same tokens");
    options = common_options("dense", flags_.post_steps, flags_.post_rate);
    train_part(*base, mix, options, "dense control");
    scores_.dense = score(*base);

    report();
    show_texts(*multipl);
  }

 private:
  void say(const std::string& text) const {
    if (!flags_.quiet) notice("\n== {}\n", text);
  }

  /// Throws OutOfMemory if memory cannot hold the mixture's training together with the base and a second mixture.
  void require_memory() const {
    const ModelConfig base = size_named("demo");
    ModelConfig mixture = base;
    mixture.moe = demo_mixture("normalized");
    MemoryPart others = weights_in_memory(base);
    others.name = "the weights of the base and of another mixture";
    others.bytes += weights_in_memory(mixture).bytes;
    const MemoryPlan plan = host_plan(mixture, training_counts(mixture, post_training_weights(mixture)),
                                      {flags_.batch_size, flags_.sequence_length}, {});
    require_free_memory("demo",
                        std::array{others, MemoryPart{"the mixture's weights", plan.weights, true},
                                   MemoryPart{"gradients and moments", plan.gradients + plan.moments, true},
                                   MemoryPart{"activations", plan.activations}},
                        "a smaller --batch-size or --sequence-length needs less");
  }

  void prepare_data() {
    say("data: token files from the corpus");
    const PrepareReport report = prepare({.sources = flags_.corpus,
                                          .out = out_ / "data",
                                          .max_train_bytes = flags_.train_bytes,
                                          .max_held_out_bytes = 4 * flags_.eval_bytes});
    if (!flags_.quiet) notice("{}\n", prepare_table(report));
    for (const Language language : all_languages) {
      const LanguageReport& counts = report.languages[index_of(language)];
      for (const Split split : all_splits)
        if (counts.splits[index_of(split)].documents == 0)
          throw UsageError(
              fmt::format("[demo] the corpus must have at least 3 usable files of each language; {} has no {} text: "
                          "found {}, of which the filters dropped {}",
                          title_of(language), name_of(split), counted(counts.files, "files"),
                          std::accumulate(counts.filtered.begin(), counts.filtered.end(), std::int64_t{0})));
    }
  }

  TrainOptions common_options(const std::string& name, std::int64_t steps, double rate) const {
    TrainOptions options;
    options.steps = steps;
    options.learning_rate = rate;
    options.log_every = flags_.quiet ? 0 : flags_.log_every;
    options.run = out_ / name;
    options.start = RunStart::replace;
    return options;
  }

  void train_part(LanguageModel& model, const LanguageWeights& weights, const TrainOptions& options, const char* name) {
    BatchStream stream(train_files_, weights,
                       {.sequences = flags_.batch_size, .length = flags_.sequence_length, .seed = flags_.seed});
    const TrainResult result = run_training(model, stream, options);
    parts_.push_back({std::string("train ") + name, result.tokens, result.seconds});
  }

  Evaluation score(const LanguageModel& model) const {
    return evaluate(model, test_files_,
                    {.sequences = flags_.batch_size, .length = flags_.sequence_length, .max_bytes = flags_.eval_bytes});
  }

  /// Upcycles `base` and sets the inference thresholds from 16 training batches; the first evaluation needs them.
  std::unique_ptr<LanguageModel> upcycle(LanguageModel& base, std::string_view fusion) {
    auto model = upcycled(base, demo_mixture(fusion), {.seed = flags_.seed});
    const auto [low, high] = parse_mix(flags_.mix);
    BatchStream stream(train_files_, grouped_weights(low, high, present_in(train_files_)),
                       {.sequences = flags_.batch_size, .length = flags_.sequence_length, .seed = flags_.seed});
    TokenBatch batch;
    for (int i = 0; i < 16; ++i) {
      stream.next(batch);
      model->calibrate({batch.sequences, batch.length, batch.tokens, batch.targets, batch.languages, batch.number});
    }
    return model;
  }

  void report() const {
    const std::string text = demo_table(scores_) + "\n" + demo_verdict(scores_) + "\n" + demo_speeds(parts_);
    fmt::print("\n{}", text);
    write_file_atomically(out_ / "report.txt", text);
    write_file_atomically(out_ / "report.json", demo_json(scores_, parts_));
  }

  /// With a lower top-p than 0.98 sampling never leaves a run of spaces: after one space, a model this small gives the
  /// next space a probability above 0.9.
  void show_texts(const LanguageModel& model) const {
    static constexpr std::array<std::pair<Language, const char*>, language_count> prompts{{
        {Language::python, "def read_file(path):\n    "},
        {Language::java, "    public String getName() {\n        return "},
        {Language::cpp, "template <class T>\nclass "},
        {Language::rust, "    pub fn new("},
        {Language::go, "func (s *Server) "},
        {Language::ruby, "  def initialize("},
    }};
    for (const auto& [language, prompt] : prompts) {
      const Generated next =
          generate(model, prompt, {.max_new_tokens = 160, .temperature = 1, .top_p = 0.98, .seed = flags_.seed});
      fmt::print("\n--- {}\n{}{}\n", title_of(language), prompt, printable_text(next.text));
    }
    fmt::print("\nThe report, the models and the data are in {}\n", out_.string());
  }

  DemoFlags flags_;
  fs::path out_;
  LanguageFiles train_files_, test_files_;
  DemoScores scores_;
  std::vector<DemoPart> parts_;
};

}  // namespace

void add_demo_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "demo",
      "Runs the whole pipeline: prepares data, pretrains a base model, upcycles it, post-trains it and a dense "
      "control, and prints a table of scores and sample texts.");
  const auto flags = std::make_shared<DemoFlags>();
  command
      .add_option("--corpus", flags->corpus,
                  "folders of source files, with at least 3 usable files of each of the six languages")
      ->required()
      ->type_name("DIR...");
  command.add_option("-o,--output", flags->output, "folder for data, models and the report")->capture_default_str();
  command.add_option("--base-steps", flags->base_steps, "optimizer steps of the base model's pretraining")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--post-steps", flags->post_steps,
                  "optimizer steps of each post-training (MultiPL-MoE and dense control)")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--batch-size", flags->batch_size, "sequences per batch")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--sequence-length", flags->sequence_length, "tokens (bytes) per sequence")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--train-bytes", flags->train_bytes, "maximum training text per language, in bytes")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--eval-bytes", flags->eval_bytes, "maximum evaluated test text per language, in bytes")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--base-learning-rate", flags->base_rate, "peak learning rate of the base model's pretraining")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--learning-rate", flags->post_rate, "peak learning rate of both post-trainings")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--mix", flags->mix,
                  "LOW:HIGH, the ratio in post-training of tokens of low-resource (rust, go, ruby) to high-resource "
                  "languages (python, java, cpp)")
      ->capture_default_str();
  command.add_option("--seed", flags->seed, "random seed of weights, data order and sampled texts")
      ->capture_default_str();
  command.add_option("--log-every", flags->log_every, "steps between progress lines when stderr is not a terminal")
      ->capture_default_str()
      ->check(above_zero());
  add_threads_option(command, flags->threads);
  command.add_flag("-q,--quiet", flags->quiet, "do not print progress");
  command.callback([flags] { Demo(*flags).run(); });
}

}  // namespace multipl_moe
