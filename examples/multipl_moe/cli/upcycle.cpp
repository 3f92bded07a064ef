#include <fmt/format.h>

#include <array>
#include <functional>
#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/upcycled_tensors.hpp"

namespace multipl_moe {

namespace {

struct UpcycleFlags {
  std::string model, output, architecture = "causal-multipl-moe";
  moe::Upcycling start;
  StreamFlags stream;
  int threads = 0;
  MoeConfig moe;
};

/// The token that a line ends with. Throws UsageError where that is no token of its own.
std::int64_t newline_of(const Tokenizer& tokenizer) {
  const std::vector<Token> tokens = tokenizer.encode("\n");
  if (tokens.size() != 1)
    throw UsageError(fmt::format("[upcycle] a newline must be one token where --boundary-token is not given, found {}",
                                 tokens.size()));
  return tokens.front();
}

/// The architecture's own settings, and over them what the command line said.
MoeConfig mixture(const UpcycleFlags& flags, const CLI::App& command, const ModelConfig& dense,
                  const Tokenizer& tokenizer) {
  MoeConfig moe = mixture_named(flags.architecture, dense.intermediate_size).value();
  const auto take = [&](const char* option, auto MoeConfig::*field) {
    if (command.count(option) > 0) moe.*field = flags.moe.*field;
  };
  take("--router", &MoeConfig::router);
  take("--segmenter", &MoeConfig::segmenter);
  take("--minimum-window", &MoeConfig::segment_minimum_window);
  take("--boundary-token", &MoeConfig::segment_boundary_token);
  take("--expert-cap", &MoeConfig::segment_expert_cap);
  take("--token-experts", &MoeConfig::num_token_experts);
  take("--segment-experts", &MoeConfig::num_segment_experts);
  take("--experts-per-token", &MoeConfig::num_experts_per_tok);
  take("--shared-expert", &MoeConfig::shared_expert_index);
  take("--segment-window", &MoeConfig::segment_window);
  take("--capacity-factor", &MoeConfig::segment_capacity_factor);
  take("--fusion", &MoeConfig::fusion);
  take("--token-weight", &MoeConfig::fusion_token_weight);
  take("--segment-weight", &MoeConfig::fusion_segment_weight);
  take("--balance", &MoeConfig::balance);
  take("--threshold-beta", &MoeConfig::threshold_beta);
  take("--expert-capacity", &MoeConfig::expert_capacity_factor);
  take("--random-choice", &MoeConfig::random_choice);
  take("--lora-rank", &MoeConfig::lora_rank);
  take("--lora-alpha", &MoeConfig::lora_alpha);
  take("--languages", &MoeConfig::languages);
  take("--language-rank", &MoeConfig::language_rank);
  take("--language-alpha", &MoeConfig::language_alpha);
  take("--shared-rank", &MoeConfig::shared_rank);
  take("--shared-alpha", &MoeConfig::shared_alpha);
  if (moe.segmenter == "boundary-window" && command.count("--boundary-token") == 0)
    moe.segment_boundary_token = newline_of(tokenizer);
  return moe;
}

/// Nothing of the model is in memory as a whole.
void upcycle_files(const UpcycleFlags& flags, const CLI::App& command) {
  const std::filesystem::path source = model_folder(flags.model);
  const StoredModel dense = StoredModel::open(source);
  const auto tokenizer = read_tokenizer(source);
  require_tokenizer_fits(flags.model, dense.config(), *tokenizer);
  UpcycledTensors made(dense, mixture(flags, command, dense.config(), *tokenizer), flags.start, flags.threads);
  require_free_memory("upcycle", std::array{MemoryPart{"a layer", made.most_bytes(), true}}, "");
  if (has_constant_gates(made.config())) notice("note: {}\n", constant_gates_note);
  StreamOptions options = flags.stream.options("upcycle");
  if (command.count("--dtype") == 0) options.dtype = dtype_named(stored_dtype(flags.model));
  options.generation = read_generation_config(source, dense.config().vocab_size);
  stream_model(flags.output, made.config(), *tokenizer, options, std::ref(made));
}

}  // namespace

void add_upcycle_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "upcycle", "Turns a dense model into a mixture of experts, or gives it adapters, that start from its weights.");
  const auto flags = std::make_shared<UpcycleFlags>();
  command.add_option("--model", flags->model, "dense model folder or run folder")->required()->type_name("DIR");
  add_links_option(command);
  command.add_option("-o,--output", flags->output, "folder for the new model")->required()->type_name("DIR");
  command.add_option("--arch", flags->architecture, "what to become")
      ->capture_default_str()
      ->check(CLI::IsMember(mixture_names()));
  command
      .add_option("--router", flags->moe.router,
                  "of a MultiPL-MoE's tokens: shared-top-k, or top-k (no expert is shared or frozen)")
      ->check(CLI::IsMember({"shared-top-k", "top-k"}));
  command
      .add_option("--token-experts", flags->moe.num_token_experts, "experts of the token level [the architecture's]")
      ->check(above_zero());
  command.add_option("--segment-experts", flags->moe.num_segment_experts, "experts of the segment level")
      ->check(above_zero());
  command.add_option("--experts-per-token", flags->moe.num_experts_per_tok, "K, the shared expert included")
      ->check(above_zero());
  command
      .add_option("--shared-expert", flags->moe.shared_expert_index,
                  "index of the expert that is always chosen and frozen")
      ->check(not_negative());
  command
      .add_option("--segmenter", flags->moe.segmenter,
                  "fixed-window, or boundary-window (a segment may end early, after the boundary token)")
      ->check(CLI::IsMember({"fixed-window", "boundary-window"}));
  command.add_option("--segment-window", flags->moe.segment_window, "tokens in a segment, at most")
      ->check(above_zero());
  command
      .add_option("--minimum-window", flags->moe.segment_minimum_window, "tokens in a boundary window, at least [16]")
      ->check(above_zero());
  command
      .add_option("--boundary-token", flags->moe.segment_boundary_token,
                  "that ends a boundary window [the tokenizer's newline]")
      ->check(not_negative());
  command
      .add_option("--expert-cap", flags->moe.segment_expert_cap,
                  "experts that may share a segment, for multipl-moe-released [4]")
      ->check(above_zero());
  command
      .add_option("--capacity-factor", flags->moe.segment_capacity_factor,
                  "c: an expert takes floor(V c / N) of V segments")
      ->check(above_zero());
  command
      .add_option("--fusion", flags->moe.fusion,
                  "fixed: the two weights as they are; normalised: divided by what acted; scalar, channel, matrix: "
                  "learned from there")
      ->check(CLI::IsMember({"fixed", "normalised", "scalar", "channel", "matrix"}));
  command.add_option("--token-weight", flags->moe.fusion_token_weight, "of the token level [0.7]")->check(above_zero());
  command.add_option("--segment-weight", flags->moe.fusion_segment_weight, "of the segment level [0.3]")
      ->check(not_negative());
  command.add_option("--balance", flags->moe.balance, "experts in the balance loss: all (the paper), or routed")
      ->check(CLI::IsMember({"all", "routed"}));
  command.add_option("--threshold-beta", flags->moe.threshold_beta, "decay of the inference thresholds")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--expert-capacity", flags->moe.expert_capacity_factor,
                  "room of gshard's experts in training, in multiples of an even share; 0: no limit [1.25]")
      ->check(not_negative());
  command
      .add_option("--random-choice", flags->moe.random_choice,
                  "on: gshard keeps a token's further choices by chance in training [on]")
      ->check(CLI::IsMember({"on", "off"}));
  command.add_option("--lora-rank", flags->moe.lora_rank, "r of lora's adapters [8]")->check(above_zero());
  command.add_option("--lora-alpha", flags->moe.lora_alpha, "alpha of lora's adapters: they count alpha / r [16]")
      ->check(above_zero());
  command
      .add_option("--languages", flags->moe.languages,
                  "with an adapter of their own in mole [python,java,cpp,rust,go,ruby]")
      ->delimiter(',');
  command.add_option("--language-rank", flags->moe.language_rank, "r of a language's adapter in mole [16]")
      ->check(above_zero());
  command
      .add_option("--language-alpha", flags->moe.language_alpha,
                  "alpha of a language's adapter: it counts alpha / sqrt(r) [16]")
      ->check(above_zero());
  command
      .add_option("--shared-rank", flags->moe.shared_rank,
                  "r of the adapter that languages share in mole; that of other text has the sum [48]")
      ->check(above_zero());
  command.add_option("--shared-alpha", flags->moe.shared_alpha, "alpha of the shared adapter and of other text's [32]")
      ->check(above_zero());
  command
      .add_option("--noise", flags->start.noise_deviation,
                  "deviation of what is added to the weights of experts that train, so that copies differ")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e3));
  command
      .add_option("--reinitialise", flags->start.reinitialised,
                  "share of the inner channels of experts that train which is drawn anew (Drop-Upcycling)")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--router-deviation", flags->start.router_deviation, "of the routers' first weights")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e3));
  command.add_option("--seed", flags->start.seed, "of routers and noise")->capture_default_str();
  add_stream_options(command, flags->stream);
  add_threads_option(command, flags->threads);
  command.callback([flags, &command] {
    require_new_folder("upcycle", flags->output);
    upcycle_files(*flags, command);
    notice("saved {}\n", flags->output);
  });
}

}  // namespace multipl_moe
