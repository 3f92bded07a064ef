#include "multipl_moe/eval/generate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/generation_run.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/prompts.hpp"
#include "multipl_moe/cli/standard_input.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/eval/observed.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/utf8_stream.hpp"
#include "multipl_moe/model/routing_file.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

struct GenerateFlags : InferenceFlags {
  std::string prompts_file, language, record;
  std::vector<std::string> prompts;
  GenerateOptions options;
  bool json = false;
};

/// Bytes of memory for each byte of a prompt from stdin, which has at most one token per byte.
constexpr std::int64_t held_by_prompt = 64;

/// Prints the texts on stdout in the order of their prompts: a single one while it is generated, several when each is
/// complete.
class GeneratedOutput {
 public:
  GeneratedOutput(std::span<const std::string> prompts, bool json) : prompts_(prompts), json_(json) {}

  GenerationListener listener() {
    GenerationListener listener;
    if (prompts_.size() == 1 && !json_) {
      listener.piece = [this](std::size_t, std::string_view piece) { put(shown(piece)); };
      listener.done = [](std::size_t, const Generated&) { put("\n"); };
    } else {
      listener.done = [this](std::size_t prompt, const Generated& generated) {
        complete_.emplace(prompt, generated);
        for (; !complete_.empty() && complete_.begin()->first == next_; ++next_) {
          put(json_ ? line_of(complete_.begin()->second) : block_of(complete_.begin()->second));
          complete_.erase(complete_.begin());
        }
      };
    }
    return listener;
  }

 private:
  static void put(const std::string& text) {
    fmt::print("{}", text);
    std::fflush(stdout);
  }
  std::string shown(std::string_view text) const { return terminal_ ? printable_text(text) : std::string(text); }
  std::string block_of(const Generated& generated) const {
    return fmt::format("--- prompt {}, {}, {}\n{}\n", next_ + 1, counted(generated.tokens.size(), "tokens"),
                       name_of(generated.finish_reason), shown(generated.text));
  }
  std::string line_of(const Generated& generated) const {
    const nlohmann::ordered_json line{{"prompt", valid_utf8(prompts_[next_])},
                                      {"text", generated.text},
                                      {"tokens", generated.tokens.size()},
                                      {"finish_reason", name_of(generated.finish_reason)}};
    // On a terminal, characters beyond ASCII are escaped: some would act as control characters.
    return line.dump(-1, ' ', terminal_) + "\n";
  }

  std::span<const std::string> prompts_;
  bool json_;
  bool terminal_ = isatty(STDOUT_FILENO) == 1;
  std::size_t next_ = 0;
  std::map<std::size_t, Generated> complete_;
};

void report_speed(const GenerationSpeed& speed) {
  const auto rate = [](std::int64_t tokens, double seconds) {
    const double a_second = static_cast<double>(tokens) / seconds;
    return seconds <= 0 ? "-" : a_second < 1000 ? fmt::format("{:.3g}", a_second) : short_count(a_second);
  };
  notice("prompts: {}, {} tok/s; decoding: {}, {} tok/s\n", counted(speed.prefill_tokens, "tokens"),
         rate(speed.prefill_tokens, speed.prefill_seconds), counted(speed.decoded_tokens, "tokens"),
         rate(speed.decoded_tokens, speed.decode_seconds));
}

void add_sampling_options(CLI::App& command, GenerateOptions& options) {
  command
      .add_option("--max-new-tokens", options.max_new_tokens,
                  "maximum number of tokens generated per prompt [200, or what the prompt leaves of the model's "
                  "max_position_embeddings]")
      ->check(not_negative());
  command
      .add_option("--min-new-tokens", options.min_new_tokens,
                  "minimum number of tokens generated before the text may end [0]")
      ->check(not_negative());
  command
      .add_option("--temperature", options.temperature,
                  "sampling temperature; 0: always the most probable token (greedy) [0.8]")
      ->check(not_negative());
  command.add_option("--top-k", options.top_k, "number of most probable tokens to sample from; 0: all [0]")
      ->check(not_negative());
  command
      .add_option("--top-p", options.top_p,
                  "after --top-k, sample from the fewest most probable tokens whose probabilities sum to this, in (0, "
                  "1] [0.95]")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--repetition-penalty", options.repetition_penalty,
                  "penalty on tokens that already occurred, prompt included: positive logits are divided by it, "
                  "negative ones multiplied; 1: off [1]")
      ->check(above_zero());
  command
      .add_option("--no-repeat-ngram-size", options.no_repeat_ngram_size,
                  "length of token sequences that may occur only once, prompt included; 0: off [0]")
      ->check(not_negative());
  command
      .add_option("--suppress-tokens", options.suppress_tokens, "ids of tokens that are never sampled, such as 5,17")
      ->delimiter(',');
  command
      .add_option("--begin-suppress-tokens", options.begin_suppress_tokens,
                  "ids of tokens that are not sampled as the first token of a text, such as 5,17")
      ->delimiter(',');
  command
      .add_option("--seed", options.seed,
                  "random seed of sampling; what is sampled also depends on the prompt's number")
      ->capture_default_str();
  command
      .add_option(
          "--stop", options.stop,
          "text or name of a special token that ends the output and is no part of it; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false);
}

void run_generate(const GenerateFlags& flags) {
  require_usable(flags, "generate");
  GenerateOptions options = flags.options;
  if (!flags.language.empty()) options.language = language_named(flags.language);
  options.weights = decoding_weights_of(flags.weights);
  std::vector<std::string> prompts = flags.prompts;
  if (std::count(prompts.begin(), prompts.end(), "-") > 1)
    throw UsageError("[generate] --prompt - must be given at most once, since it reads stdin to its end");
  for (std::string& prompt : prompts)
    if (prompt == "-") prompt = read_standard_input("generate", held_by_prompt);
  if (!flags.prompts_file.empty())
    for (std::string& prompt : read_prompts(flags.prompts_file)) prompts.push_back(std::move(prompt));
  if (prompts.empty()) throw UsageError("[generate] --prompt or --prompts-file must give a prompt, found none");

  if (!flags.record.empty()) require_recordable("generate", load_config(flags.model), flags.record);
  const GenerationConfig asked = read_generation_config(model_folder(flags.model));
  options.fill_from(asked);
  const auto model = load_for_inference(flags, generation_run("generate", flags.model, prompts, options));
  if (const auto& ignored = asked.ignored; !ignored.empty())
    notice("warning: {} of the model sets options that this program does not have, and they are ignored: {}\n",
           generation_config_name, escaped(fmt::format("{}", fmt::join(ignored, ", ")), 1000));
  if (!model->is_causal() && !flags.quiet)
    notice(
        "note: the routing of this model depends on later tokens (it is not causal), so every token takes a pass over "
        "the whole text\n");
  if (options.language && !chooses_by_language(model->config()) && !flags.quiet)
    notice("note: --language has no effect: a model of architecture {} does not route by language\n",
           model->config().architecture());
  if (!flags.record.empty() && !model->is_causal())
    throw UsageError(
        "[generate] --record-routing needs a model that decodes token by token, found one whose routing depends on "
        "later tokens and is computed again for the whole text with every token; train --record-routing records its "
        "routing in training");
  GeneratedOutput output(prompts, flags.json);
  GenerationSpeed speed;
  GenerationListener listener = output.listener();
  moe::RoutingRecorder recorder(std::ssize(prompts));
  std::optional<Observed> observed;
  if (!flags.record.empty()) {
    listener.routing = &recorder;
    observed.emplace(*model, recorder.observer());
  }
  generate(*model, prompts, options, listener, &speed);
  if (!flags.record.empty()) write_routing(flags.record, recorder.records());
  if (!flags.quiet) report_speed(speed);
}

}  // namespace

void add_generate_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("generate",
                                              "Generates text after prompts. Sampling options that are not given come "
                                              "from the model's generation_config.json.");
  const auto flags = std::make_shared<GenerateFlags>();
  GenerateOptions& options = flags->options;
  command
      .add_option("--model", flags->model, "folder of a model, or of a training run, whose newest checkpoint is read")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
  command.add_option("--prompt", flags->prompts, "text to continue; -: read it from stdin; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command
      .add_option(
          "--prompts-file", flags->prompts_file,
          "file of more texts to continue, with a JSON string or an object with a string \"prompt\" on each line")
      ->type_name("FILE");
  add_sampling_options(command, options);
  command
      .add_option("--language", flags->language,
                  "language of text outside Markdown's code fences, for a model that routes by language (mole): "
                  "python, java, cpp, rust, go, ruby [none]")
      ->type_name("NAME");
  command.add_flag("--special", options.special,
                   "read names of special tokens in prompts as these tokens; without it they are text");
  command
      .add_option(
          "--batch-size", options.batch_size,
          "prompts that are decoded together; with up to 8 the results are bitwise identical to decoding each alone")
      ->capture_default_str()
      ->check(above_zero());
  add_weights_options(command, *flags, true);
  command
      .add_option("--record-routing", flags->record,
                  "write the experts that each layer selects for every token to this file, one record per prompt; "
                  "train --replay-routing reads it")
      ->type_name("FILE");
  command.add_flag("--json", flags->json,
                   "print one line of JSON per prompt: {\"prompt\", \"text\", \"tokens\", \"finish_reason\": stop, "
                   "length or end_of_text}");
  add_threads_option(command, flags->threads);
  command.add_flag("-q,--quiet", flags->quiet, "do not print notes and speed on stderr");
  command.callback([flags] { run_generate(*flags); });
}

}  // namespace multipl_moe
