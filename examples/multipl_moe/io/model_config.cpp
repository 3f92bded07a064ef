#include "multipl_moe/io/model_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/idle_fields.hpp"
#include "multipl_moe/io/mixture_settings.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/rotation_config.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/io/transformers_family.hpp"
#include "multipl_moe/io/window_config.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::json;

/// The model_type of models that transformers has no class for.
constexpr std::string_view own_type = "multipl_moe";

/// Throws BadFile for fields that describe a model whose computation is not supported.
void refuse_other_models(const Fields& fields) {
  std::vector<std::string_view> types{own_type};
  for (const TransformersFamily* family : transformers_families()) types.push_back(family->model_type);
  fields.require_one_of("model_type", types);
  require_neutral(fields);
}

/// The activation under the name used here; transformers has two names for some.
std::string activation_of(const Fields& fields) {
  const std::string name = fields.text("hidden_act", usual_activation);
  if (name == "swish") return std::string(usual_activation);
  return name == "gelu_new" ? "gelu_pytorch_tanh" : name;
}

void read(const Fields& fields, std::string_view key, std::string& value) { value = fields.text(key, value); }
void read(const Fields& fields, std::string_view key, std::int64_t& value) { value = fields.integer(key, value); }
void read(const Fields& fields, std::string_view key, double& value) { value = fields.number(key, value); }
void read(const Fields& fields, std::string_view key, bool& value) { value = fields.boolean(key, value); }
void read(const Fields& fields, std::string_view key, std::vector<std::string>& value) {
  value = fields.texts(key, value);
}

std::optional<MoeConfig> mixture_of(const Fields& fields, std::int64_t intermediate_size) {
  const auto moe = fields.object("moe");
  if (!moe) return std::nullopt;
  const std::string name = moe->text("architecture", "multipl-moe");
  std::optional<MoeConfig> config;
  try {
    config = mixture_named(name, intermediate_size);
  } catch (const UsageError& error) {
    throw BadFile(fields.path(), error.what());
  }
  if (!config) return std::nullopt;
  for (const MixtureSetting* setting : mixture_settings())
    std::visit(
        [&](auto field) {
          auto& value = (*config).*field;
          read(*moe, setting->key, value);
          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string>)
            value = current_spelling(*setting, std::move(value));
        },
        setting->field);
  moe->require_all_read();
  return config;
}

/// Reads the feed-forward settings of a file in our own format.
void read_mixture_of_ours(const Fields& fields, ModelConfig& config) {
  config.moe = mixture_of(fields, config.intermediate_size);
  config.router_jitter_noise = fields.number("router_jitter_noise", config.router_jitter_noise);
}

/// Warns once of fields that are not read: another program's results may depend on them.
void warn_of_unknown_fields(const StoredConfig& stored, const std::filesystem::path& path) {
  if (!stored.unknown_fields.empty())
    notice_once(fmt::format("warning: {}: ignored fields that are unknown for this model_type: {}\n",
                            escaped(path.native()),
                            escaped(fmt::format("{}", fmt::join(stored.unknown_fields, ", ")), 1000)));
}

template <class Value>
void add(nlohmann::ordered_json& json, std::string_view key, const Value& value) {
  json[key] = value;
}
/// A boolean that is false is not written, as in files from before the setting existed.
void add(nlohmann::ordered_json& json, std::string_view key, bool value) {
  if (value) json[key] = true;
}

nlohmann::ordered_json json_of(const MoeConfig& moe) {
  nlohmann::ordered_json json{{"architecture", moe.architecture}};
  for (const MixtureSetting* setting : mixture_settings())
    if (applies(*setting, moe)) std::visit([&](auto field) { add(json, setting->key, moe.*field); }, setting->field);
  return json;
}

/// Older files hold the settings of all mixtures. Warns once of each that has no effect and differs from the default.
void warn_of_idle_settings(const StoredConfig& stored, const std::filesystem::path& path) {
  for (const std::string& setting : stored.idle_settings)
    notice_once(fmt::format("warning: {}: moe.{} has no effect in a {} with these settings\n", escaped(path.native()),
                            escaped(setting), stored.model.architecture()));
}

}  // namespace

ModelConfig ModelConfig::of_layer(std::int64_t layer) const {
  ModelConfig alike = *this;
  alike.dense_layers.clear();
  if (is_dense_layer(layer)) alike.moe.reset();
  if (!windows.empty()) std::fill(alike.windows.begin(), alike.windows.end(), window_of(layer));
  return alike;
}

StoredConfig parse_stored_config(std::string_view text, const std::filesystem::path& path) {
  const Json json = parse_strict_json(text, path);
  const Fields fields(json, path, "");
  refuse_other_models(fields);
  StoredConfig stored;
  ModelConfig& config = stored.model;
  const TransformersFamily* const family = find_family(fields.text("model_type", "qwen2"));
  if (family != nullptr) family->defaults(config);
  const WindowLayers windows = family != nullptr ? family->windows : WindowLayers::from_a_layer_on;
  config.hidden_size = fields.integer("hidden_size");
  config.intermediate_size = fields.integer("intermediate_size");
  config.num_hidden_layers = fields.integer("num_hidden_layers");
  config.hidden_act = activation_of(fields);
  config.num_attention_heads = fields.integer("num_attention_heads");
  // Null means the number of attention heads; so does a missing field in files of our own.
  const bool has_usual = family != nullptr && !fields.has("moe") && !fields.is_null("num_key_value_heads");
  config.num_key_value_heads =
      fields.integer("num_key_value_heads", has_usual ? config.num_key_value_heads : config.num_attention_heads);
  config.vocab_size = fields.integer("vocab_size");
  config.max_position_embeddings = fields.integer("max_position_embeddings", config.max_position_embeddings);
  config.rms_norm_eps = fields.number("rms_norm_eps", config.rms_norm_eps);
  const Rotation rotation =
      rotation_of(fields, config.rope_theta, config.max_position_embeddings, has_layer_types(windows));
  config.rope_theta = rotation.theta;
  config.rope_scaling = rotation.scaling;
  config.attention_head_dim = fields.integer("head_dim", config.attention_head_dim);
  if (fields.has("head_dim") && config.attention_head_dim < 1)
    throw BadFile(path, fmt::format("head_dim must be at least 1, found {}", config.attention_head_dim));
  config.initializer_range = fields.number("initializer_range", config.initializer_range);
  config.attention_dropout = fields.number("attention_dropout", config.attention_dropout);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", config.tie_word_embeddings);
  if (const auto fault = fault_in(config)) throw BadFile(path, *fault);
  if (config.head_dim() * config.num_attention_heads == config.hidden_size) config.attention_head_dim = 0;
  config.windows = windows_of(fields, windows, config.num_hidden_layers);
  if (family != nullptr) {
    family->read(fields, stored);
  } else {
    config.attention_bias = fields.boolean("attention_bias", true);
    config.qk_norm = fields.boolean("qk_norm", false);
  }
  // A file with the model_type of a dense class may still hold our object `moe`.
  if (!config.moe) read_mixture_of_ours(fields, config);
  if (family == nullptr || fields.has("moe")) config.dense_layers = fields.integers("dense_layers");
  if (config.moe) {
    if (const auto fault = fault_in_settings(*config.moe)) throw BadFile(path, *fault);
    stored.idle_settings = take_idle_settings(*config.moe, config.intermediate_size);
  }
  if (const auto fault = fault_in(config)) throw BadFile(path, *fault);
  stored.unknown_fields = unknown_fields(fields);
  return stored;
}

ModelConfig parse_config(std::string_view text, const std::filesystem::path& path) {
  return parse_stored_config(text, path).model;
}

StoredConfig read_stored_config(const std::filesystem::path& folder) {
  constexpr const char* name = "config.json";
  StoredConfig stored = parse_stored_config(read_model_file(folder, name, largest_config), folder / name);
  warn_of_unknown_fields(stored, folder / name);
  warn_of_idle_settings(stored, folder / name);
  return stored;
}

ModelConfig read_config_of(const std::filesystem::path& folder) { return read_stored_config(folder).model; }

ModelConfig read_config(const std::filesystem::path& path) {
  StoredConfig stored = parse_stored_config(read_whole_file(path, largest_config), path);
  warn_of_unknown_fields(stored, path);
  warn_of_idle_settings(stored, path);
  return std::move(stored.model);
}

std::string to_json_text(const ModelConfig& config, std::string_view torch_dtype) {
  // A model is only written as a class that computes the same: a reader of a Qwen2, for example, always adds biases.
  const TransformersFamily* const family = config.moe ? nullptr : find_family_of(config);
  nlohmann::ordered_json json{{"architectures", {family != nullptr ? family->class_name : "MultiplMoeForCausalLM"}},
                              {"model_type", family != nullptr ? family->model_type : own_type},
                              {"hidden_act", config.hidden_act},
                              {"hidden_size", config.hidden_size},
                              {"intermediate_size", config.intermediate_size},
                              {"num_hidden_layers", config.num_hidden_layers},
                              {"num_attention_heads", config.num_attention_heads},
                              {"num_key_value_heads", config.num_key_value_heads},
                              {"vocab_size", config.vocab_size},
                              {"max_position_embeddings", config.max_position_embeddings},
                              {"rms_norm_eps", config.rms_norm_eps},
                              {"rope_theta", config.rope_theta},
                              {"tie_word_embeddings", config.tie_word_embeddings},
                              {"use_sliding_window", !config.windows.empty()},
                              {"torch_dtype", torch_dtype}};
  if (family == nullptr) json["attention_bias"] = config.attention_bias;
  if (family == nullptr && config.qk_norm) json["qk_norm"] = true;
  if (config.attention_head_dim > 0) json["head_dim"] = config.attention_head_dim;
  if (auto scaling = rope_scaling_json(config.rope_scaling); !scaling.is_null()) json["rope_scaling"] = scaling;
  json.update(windows_json(config.windows));
  const ModelConfig usual;
  if (config.initializer_range != usual.initializer_range) json["initializer_range"] = config.initializer_range;
  if (config.attention_dropout != usual.attention_dropout) json["attention_dropout"] = config.attention_dropout;
  if (config.router_jitter_noise != usual.router_jitter_noise) json["router_jitter_noise"] = config.router_jitter_noise;
  if (family != nullptr) family->write(config, json);
  if (config.moe) json["moe"] = json_of(*config.moe);
  if (!config.dense_layers.empty()) json["dense_layers"] = config.dense_layers;
  return json.dump(2) + "\n";
}

void require_trainable(const ModelConfig& config, const std::filesystem::path& path) {
  for (const auto& [name, value] : {std::pair("attention_dropout", config.attention_dropout),
                                    std::pair("router_jitter_noise", config.router_jitter_noise)})
    if (value != 0)
      throw BadFile(path, fmt::format("{} must be 0 in training, which has none, found {}; setting it to 0 trains "
                                      "without",
                                      name, value));
}

void write_config(const std::filesystem::path& path, const ModelConfig& config, std::string_view torch_dtype) {
  if (const auto fault = fault_in(config)) throw Failure(fmt::format("[{}] {}", escaped(path.native()), *fault));
  write_file_atomically(path, to_json_text(config, torch_dtype));
}

std::string_view dtype_of_torch(std::string_view torch_dtype) {
  if (const std::string_view dtype = dtype_named(torch_dtype); !dtype.empty()) return dtype;
  throw UsageError(fmt::format("[dtype] must be one of float32, bfloat16, float16, found '{}'", escaped(torch_dtype)));
}

}  // namespace multipl_moe
