#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/parameter_count.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

namespace {

struct InfoFlags {
  std::string architecture, size = "qwen1.5-1.8b", model;
  bool json = false;
};

ModelConfig configuration(const InfoFlags& flags) {
  if (!flags.model.empty()) return load_config(flags.model);
  ModelConfig config = size_named(flags.size);
  config.moe = mixture_named(flags.architecture.empty() ? "dense" : flags.architecture, config.intermediate_size);
  return config;
}

/// Bytes of training in float32 with AdamW: all weights, and gradient and two moments of the trainable ones.
std::int64_t training_bytes(const ParameterCount& c) {
  return 4 * (c.total + c.filling) + 12 * (c.trainable + c.filling);
}

void print_json(const ModelConfig& config, const ParameterCount& c) {
  nlohmann::ordered_json out;
  out["architecture"] = config.architecture();
  out["layers"] = config.num_hidden_layers;
  out["dense_layers"] = config.dense_layers;
  out["tie_word_embeddings"] = config.tie_word_embeddings;
  out["global_balance"] = config.has_global_balance();
  out["parameters"] = {{"total", c.total},
                       {"active_per_token", c.active},
                       {"trainable", c.trainable},
                       {"first_segment_vectors", c.first_segments},
                       {"embedding_and_head", c.embedding},
                       {"attention", c.attention},
                       {"experts", c.experts},
                       {"adapters", c.adapters},
                       {"routers", c.routers},
                       {"fusions", c.fusions},
                       {"norms", c.norms}};
  out["buffers"] = c.buffers;
  out["bytes"] = {{"weights_float32", 4 * (c.total + c.filling)},
                  {"weights_bfloat16", 2 * (c.total + c.filling)},
                  {"training_float32_adamw", training_bytes(c)}};
  fmt::print("{}\n", out.dump(2));
}

void print_table(const ModelConfig& config, const ParameterCount& c) {
  fmt::print("architecture         {}\n", config.architecture());
  fmt::print("layers               {} of width {}, FFN {}, {} heads ({} for keys and values), vocabulary {}\n",
             config.num_hidden_layers, config.hidden_size, config.expert_width(), config.num_attention_heads,
             config.num_key_value_heads, config.vocab_size);
  if (!config.dense_layers.empty())
    fmt::print("dense layers         {}, with an FFN of {}\n", config.dense_layers.size(), config.intermediate_size);
  if (config.has_global_balance())
    fmt::print("balance loss         over the micro-batches of all processes (--global-balance)\n");
  fmt::print("\n{:<20} {:>16}\n", "parameters", "");
  const auto row = [](const char* name, std::int64_t count) { fmt::print("  {:<18} {:>16}\n", name, count); };
  row(config.tie_word_embeddings ? "tied embedding" : "embedding, head", c.embedding);
  row("attention", c.attention);
  row(config.moe && !config.moe->is_adapted() ? "experts" : "FFN", c.experts);
  if (c.adapters > 0) row("adapters", c.adapters);
  row("routers", c.routers);
  if (c.fusions > 0) row("fusions", c.fusions);
  row("norms", c.norms);
  row("total", c.total);
  row("active per token", c.active);
  row("trainable", c.trainable);
  if (c.first_segments > 0)
    fmt::print("  not counted: {} trainable values in vectors that route first segments\n", c.first_segments);
  if (c.filling > 0) fmt::print("  not counted: {} zeros that pad adapters to one rank\n", c.filling);
  if (c.buffers > 0) fmt::print("  not counted: {} buffer values: thresholds and their counters\n", c.buffers);
  fmt::print("\nmemory\n");
  fmt::print("  {:<18} {:>16}\n", "weights, bfloat16", gib(2 * (c.total + c.filling)));
  fmt::print("  {:<18} {:>16}\n", "weights, float32", gib(4 * (c.total + c.filling)));
  fmt::print(
      "  {:<18} {:>16}   float32 weights, and gradients and two moments of the trainable ones; without activations\n",
      "training, AdamW", gib(training_bytes(c)));
}

}  // namespace

void add_info_command(CLI::App& program) {
  CLI::App& command =
      *program.add_subcommand("info", "Shows the layers, parameters and memory of a model, without allocating it.");
  const auto flags = std::make_shared<InfoFlags>();
  auto* model =
      command
          .add_option(
              "--model", flags->model,
              "folder of a model, or of a training run, whose newest checkpoint is read; instead of --arch and --size")
          ->type_name("DIR");
  add_links_option(command);
  command
      .add_option("--arch", flags->architecture,
                  fmt::format("architecture of the model: dense, {} [dense]", fmt::join(mixture_names(), ", ")))
      ->type_name("NAME")
      ->excludes(model);
  command.add_option("--size", flags->size, "size of the dense model: tiny, demo, qwen1.5-1.8b")
      ->type_name("NAME")
      ->capture_default_str()
      ->excludes(model);
  command.add_flag("--json", flags->json,
                   "print the result as JSON; parameters are counts of values, sizes are in bytes");
  command.callback([flags] {
    const ModelConfig config = configuration(*flags);
    const ParameterCount parameter_count = parameter_count_of(config);
    flags->json ? print_json(config, parameter_count) : print_table(config, parameter_count);
  });
}

}  // namespace multipl_moe
