/// LanguageModel on the CPU: compiled for float in language_model.cpp, for bfloat16 in bfloat16_model.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "moe/train/pack_weights.hpp"
#include "moe/weights_in_file.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/transformer_model.hpp"

namespace multipl_moe {

/// Adds weights that stay in their file, and copies of the weights for decoding.
template <class Value>
class CpuModel final : public TransformerModel<Value, moe::Cpu<>> {
  using Base = TransformerModel<Value, moe::Cpu<>>;

 public:
  using Base::Base;
  using typename Base::Backend;
  using typename Base::Context;
  using typename Base::Decoding;
  using typename Base::Mlp;
  using typename Base::Model;

  std::vector<TensorRef> tensors() override {
    require_memory("read or written as a whole");
    return Base::tensors();
  }

  std::vector<std::shared_ptr<const moe::io::FileMapping>> read_in_place(
      const StoredModel& stored, const LanguageModel::ReadTensor& read) override {
    moe::WeightsInFile files(stored.tensors());
    moe::for_each_parameter(
        [&](const std::string& name, auto& tensor) {
          if constexpr (std::remove_cvref_t<decltype(tensor)>::rank == 2) {
            const StoredPart part = stored.find(name, this->shape_of(tensor));
            files.place(tensor, part.name, part.first);
          } else {
            read(this->ref_of(name, tensor));
          }
        },
        this->model_);
    moe::for_each_buffer([&](const std::string& name, auto& tensor) { read(this->ref_of(name, tensor)); },
                         this->model_);
    this->context_ = files.context(this->context_);
    is_in_files_ = true;
    return files.mappings();
  }

  void begin_training(const moe::TrainByName& trains, AdamWPrecision precision, std::uint64_t seed,
                      StatePlace place) override {
    require_memory("trained");
    Base::begin_training(trains, precision, seed, place);
  }

  std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights) const override {
    this->require_causal();
    if constexpr (!is_widened<Value>)
      if (!is_in_files_) return this->decoding_with(with_copies(weights));
    return this->decoding_with(this->context_);
  }

 private:
  /// The context with the copies of the weights.
  Context with_copies(DecodingWeights weights) const {
    const Context& context = this->context_;
    const Multiplied read{this->model_};
    if (weights == DecodingWeights::bfloat16)
      moe::for_each_parameter(
          [](const std::string& name, const auto& weight) {
            require_bfloat16(name, Base::shape_of(weight), values_of(weight), 0, "--weights float32");
          },
          read);
    if (weights == DecodingWeights::int8)
      moe::for_each_parameter(
          [](const std::string& name, const auto& weight) {
            require_finite(name, Base::shape_of(weight), values_of(weight));
          },
          read);
    if (weights == DecodingWeights::bfloat16_where_exact)
      weights = fits_bfloat16(read) ? DecodingWeights::bfloat16 : DecodingWeights::as_they_are;
    if (weights == DecodingWeights::as_they_are) return context;
    require_free_memory("generate", std::array{copies_for_decoding(this->config(), weights)},
                        "--weights float32 makes no copies");
    return weights == DecodingWeights::int8 ? moe::pack_weights<moe::Int8Groups>(context, read)
                                            : moe::pack_weights<moe::BFloat16>(context, read);
  }

  /// Throws Failure if the weights are in a file, where they cannot be what `use` says.
  void require_memory(std::string_view use) const {
    if (is_in_files_) throw Failure("[weights] weights that stay in their file cannot be " + std::string(use));
  }

  /// The weights that decoding multiplies with: layers and head. Of the embedding it reads one row per token.
  struct Multiplied {
    using Backend = moe::Cpu<>;
    using Context = moe::CpuContext;
    const Model& model;

    template <class Visit>
    static void visit_parameters(Visit&& visit, const auto& prefix, const Multiplied& tree) {
      for (std::size_t l = 0; l < tree.model.layers.size(); ++l)
        Block<Mlp>::visit_parameters(visit, prefix + "model.layers." + std::to_string(l) + ".", tree.model.layers[l]);
      const char* const head = tree.model.is_tied ? "model.embed_tokens." : "lm_head.";
      moe::Linear<Value, Backend>::visit_parameters(visit, prefix + head, tree.model.head());
    }
  };
  static bool fits_bfloat16(const Multiplied& weights) {
    bool fits = true;
    moe::for_each_tensor(
        [&](const auto& weight) {
          const std::span<const float> values = values_of(weight);
          fits = fits && std::all_of(values.begin(), values.end(),
                                     [](float value) { return (std::bit_cast<std::uint32_t>(value) & 0xffff) == 0; });
        },
        weights);
    return fits;
  }

  template <class Tensor>
  static std::span<const float> values_of(const Tensor& weight) {
    return {weight.data(), static_cast<std::size_t>(weight.size())};
  }

  bool is_in_files_ = false;
};

}  // namespace multipl_moe
