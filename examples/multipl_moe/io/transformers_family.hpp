/// The classes of Hugging Face transformers whose models the program reads and writes: what it knows of each stands in
/// one file of architectures/.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/safetensors_layout.hpp"
#include "multipl_moe/io/window_config.hpp"

namespace multipl_moe {

struct TransformersFamily {
  std::string_view model_type;  ///< "qwen2"
  std::string_view class_name;  ///< "Qwen2ForCausalLM"
  /// The layers that have a window where a file lists none.
  WindowLayers windows = WindowLayers::from_a_layer_on;
  /// Sets what the class takes for sizes that a file leaves out.
  void (*defaults)(ModelConfig& config);
  /// Reads the fields that no other class has, the mixture's among them. Throws BadFile for what is not computed here.
  void (*read)(const Fields& fields, StoredConfig& stored);
  /// Whether the class computes what the model does.
  bool (*holds)(const ModelConfig& config);
  /// Adds the fields that no other class has.
  void (*write)(const ModelConfig& config, nlohmann::ordered_json& json);
  /// The class's name of a weight of ours; null: they are the same.
  std::string (*tensor_name)(std::string_view ours) = nullptr;
  /// Tensors that the class has beside ours, all of them zero; null: there are none.
  std::vector<PlannedTensor> (*other_tensors)(const ModelConfig& config, std::string_view dtype) = nullptr;
};

/// All of them. Where several hold a model, it is exported as the first.
std::span<const TransformersFamily* const> transformers_families();
/// Null where no class has that model_type.
const TransformersFamily* find_family(std::string_view model_type);
/// The first that holds `config`; null where none does.
const TransformersFamily* find_family_of(const ModelConfig& config);

}  // namespace multipl_moe
