/// The classes of Hugging Face transformers whose models the program reads and writes. Each is defined in a file of
/// architectures/.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/tensor_entry.hpp"
#include "multipl_moe/io/window_config.hpp"

namespace multipl_moe {

struct TransformersFamily {
  std::string_view model_type;  ///< "qwen2"
  std::string_view class_name;  ///< "Qwen2ForCausalLM"
  /// The layers that have a window if a file lists none.
  WindowLayers windows = WindowLayers::from_a_layer_on;
  /// Sets the class's defaults of sizes that a file omits.
  void (*defaults)(ModelConfig& config);
  /// Reads the fields that only this class has, those of the mixture included. Throws BadFile for unsupported values.
  void (*read)(const Fields& fields, StoredConfig& stored);
  /// Whether the class can represent the model, with the same computation.
  bool (*holds)(const ModelConfig& config);
  /// Adds the fields that only this class has.
  void (*write)(const ModelConfig& config, nlohmann::ordered_json& json);
  /// The class's name of a weight; null: the same name as here.
  std::string (*tensor_name)(std::string_view ours) = nullptr;
  /// Additional tensors of the class, all of them zero; null: none.
  std::vector<PlannedTensor> (*other_tensors)(const ModelConfig& config, std::string_view dtype) = nullptr;
};

/// All classes. If several can represent a model, it is exported as the first.
std::span<const TransformersFamily* const> transformers_families();
/// The class of that model_type; null if there is none.
const TransformersFamily* find_family(std::string_view model_type);
/// The first class that can represent `config`; null if there is none.
const TransformersFamily* find_family_of(const ModelConfig& config);

}  // namespace multipl_moe
