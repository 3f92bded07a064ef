#include "multipl_moe/architectures/qwen_moe_fields.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/architectures/token_experts.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// The layers whose FFN is dense: those that `mlp_only_layers` lists, and all but every `decoder_sparse_step`-th.
std::vector<std::int64_t> dense_layers(const Fields& fields, std::int64_t layers) {
  const std::int64_t step = fields.integer("decoder_sparse_step", 1);
  if (step < 1) throw BadFile(fields.path(), fmt::format("decoder_sparse_step must be at least 1, found {}", step));
  const std::vector<std::int64_t> listed = fields.integers("mlp_only_layers");
  std::vector<bool> is_listed(static_cast<std::size_t>(layers));
  for (const std::int64_t layer : listed) {
    if (layer < 0 || layer >= layers)
      throw BadFile(fields.path(), fmt::format("mlp_only_layers must be layers 0 to {}, found {}", layers - 1, layer));
    is_listed[static_cast<std::size_t>(layer)] = true;
  }
  std::vector<std::int64_t> dense;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    if ((layer + 1) % step != 0 || is_listed[static_cast<std::size_t>(layer)]) dense.push_back(layer);
  if (std::ssize(dense) == layers)
    throw BadFile(
        fields.path(),
        fmt::format("decoder_sparse_step and mlp_only_layers must leave a layer with experts, found {} and {} "
                    "of {}",
                    step, listed.size(), layers));
  return dense;
}

}  // namespace

void read_qwen_mixture(const Fields& fields, QwenMoeSizes usual, StoredConfig& stored) {
  ModelConfig& config = stored.model;
  const bool is_normalized = fields.boolean("norm_topk_prob", false);
  MoeConfig moe = mixture_named(is_normalized ? "mixtral" : "qwen1.5-moe").value();
  moe.num_token_experts =
      usual.has_other_name ? read_expert_count(fields, usual.experts) : fields.integer("num_experts", usual.experts);
  moe.num_experts_per_tok = fields.integer("num_experts_per_tok", usual.chosen);
  moe.moe_intermediate_size = fields.integer("moe_intermediate_size", usual.width);
  // In this program's own files a width of 0 means intermediate_size.
  if (moe.moe_intermediate_size < 1)
    throw BadFile(fields.path(),
                  fmt::format("moe_intermediate_size must be at least 1, found {}", moe.moe_intermediate_size));
  moe.shared_expert_intermediate_size = 0;
  config.moe = std::move(moe);
  config.dense_layers = dense_layers(fields, config.num_hidden_layers);
}

bool is_mixture_of_qwen(const ModelConfig& config) {
  const std::string_view name = config.architecture();
  // GShard drops tokens in training only.
  return name == "qwen1.5-moe" || name == "mixtral" || name == "gshard";
}

void write_qwen_mixture(const ModelConfig& config, nlohmann::ordered_json& json) {
  const MoeConfig& moe = *config.moe;
  json["num_experts_per_tok"] = moe.num_experts_per_tok;
  json["num_experts"] = moe.num_token_experts;
  json["moe_intermediate_size"] = config.expert_width();
  json["norm_topk_prob"] = moe.architecture != "qwen1.5-moe" || moe.norm_topk_prob;
  json["decoder_sparse_step"] = 1;
  json["mlp_only_layers"] = config.dense_layers;
  json["output_router_logits"] = false;
  json["router_aux_loss_coef"] = 0.001;
}

}  // namespace multipl_moe
