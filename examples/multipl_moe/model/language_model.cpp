#include "multipl_moe/model/language_model.hpp"

#include <fmt/format.h>

#include <utility>

#include "moe/layers/presets.hpp"
#include "moe/train/upcycle.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/bfloat16_model.hpp"
#include "multipl_moe/model/cpu_model.hpp"
#include "multipl_moe/model/cuda_model.hpp"
#include "multipl_moe/model/layer_maker.hpp"
#include "multipl_moe/model/tokenizer_fit.hpp"
#include "multipl_moe/model/upcycle_block.hpp"

namespace multipl_moe {

namespace {

using FloatModel = CpuModel<float>;

}  // namespace

void require_master_weights(ModelDtype dtype, moe::MasterWeights master) {
  if (dtype == ModelDtype::bfloat16 && master == moe::MasterWeights::float32)
    throw UsageError(
        "[--master-weights] must be split or bfloat16 for training with --dtype bfloat16, found float32: split keeps "
        "float32 weights in two halves, the model's bfloat16 and its lower bits");
}

void LanguageModel::use_tokenizer(std::shared_ptr<const Tokenizer> tokenizer) {
  if (const auto misfit = misfit_of(*tokenizer, config_)) throw UsageError("[tokenizer] " + *misfit);
  tokenizer_ = std::move(tokenizer);
}

std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads, ModelDtype dtype,
                                                   const Device& device, const ExpertSpread& spread) {
  if (device.kind == Device::Kind::cuda) {
    if (dtype != ModelDtype::bfloat16)
      throw UsageError(fmt::format(
          "[--dtype] must be bfloat16 on a GPU, found {}; --device cpu computes in float32 too", name_of(dtype)));
    return make_cuda_model(config, device.index, threads, spread);
  }
  if (dtype == ModelDtype::bfloat16) return make_bfloat16_model(config, threads, spread);
  return std::make_unique<FloatModel>(config, threads, make_layer, spread);
}
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads, const LayerMaker& make) {
  return std::make_unique<FloatModel>(config, threads, make);
}

namespace {

using LoraFeedForward = moe::LoraFeedForward<Layer::Value, Layer::Backend>;
using Model = FloatModel::Model;

/// Copies the weights outside of the decoder layers, which upcycling and merging leave unchanged.
void copy_all_but_layers(const Model& from, Model& to) {
  moe::copy_weights(from.embed_tokens, to.embed_tokens);
  to.norm.weight = from.norm.weight.copy();
  if (!to.is_tied) moe::copy_weights(from.head(), to.lm_head);
}
/// Copies generation defaults and tokenizer. The byte tokenizer is `to`'s default and is not set again: the check would
/// reject a vocabulary smaller than it, which a model without text may have.
void read_alike(const LanguageModel& from, LanguageModel& to) {
  to.set_generation(from.generation());
  if (from.tokenizer() != byte_tokenizer()) to.use_tokenizer(from.tokenizer());
}

}  // namespace

std::unique_ptr<LanguageModel> upcycled(LanguageModel& dense, const MoeConfig& mixture, const moe::Upcycling& start) {
  const ModelConfig config = upcycled_config(dense.config(), mixture, start);
  auto& base = dynamic_cast<FloatModel&>(dense).model();
  auto result = std::make_unique<FloatModel>(config, dense.threads(), make_layer);
  read_alike(dense, *result);
  auto& model = result->model();
  copy_all_but_layers(base, model);
  for (std::size_t l = 0; l < model.layers.size(); ++l)
    upcycle_block(result->context(), mixture, base.layers[l], model.layers[l], start, static_cast<std::int64_t>(l));
  return result;
}

std::unique_ptr<LanguageModel> merged(LanguageModel& adapted) {
  if (adapted.config().architecture() != "lora")
    throw UsageError("[merge] the model must be a LoRA, found " + std::string(adapted.config().architecture()));
  ModelConfig config = adapted.config();
  config.moe.reset();
  auto& lora = dynamic_cast<FloatModel&>(adapted).model();
  auto result = std::make_unique<FloatModel>(config, adapted.threads(), make_layer);
  read_alike(adapted, *result);
  auto& model = result->model();
  copy_all_but_layers(lora, model);
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    auto& from = lora.layers[l];
    auto& to = model.layers[l];
    moe::copy_weights(from.input_norm, to.input_norm);
    moe::copy_weights(from.post_attention_norm, to.post_attention_norm);
    const auto merge = [&](const auto& projection) {
      return Projection<Layer::Value, Layer::Backend>(projection.merged(result->context()));
    };
    to.self_attn.q_proj = merge(from.self_attn.q_proj);
    to.self_attn.k_proj = merge(from.self_attn.k_proj);
    to.self_attn.v_proj = merge(from.self_attn.v_proj);
    to.self_attn.o_proj = merge(from.self_attn.o_proj);
    to.self_attn.q_norm.weight = from.self_attn.q_norm.weight.copy();
    to.self_attn.k_norm.weight = from.self_attn.k_norm.weight.copy();
    to.mlp = Layer(from.mlp.as<LoraFeedForward>()->merged(result->context()));
  }
  return result;
}

}  // namespace multipl_moe
