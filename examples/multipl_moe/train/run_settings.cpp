#include "multipl_moe/train/run_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/mixture_settings.hpp"
#include "multipl_moe/train/trainer.hpp"

namespace multipl_moe {

namespace {

constexpr const char *master_weights_flag = "--master-weights", *moments_flag = "--moments", *dtype_flag = "--dtype";

/// `/moe/fusion` as `model moe.fusion`.
std::string model_setting(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', '.');
  return "model " + pointer.substr(1);
}

void add_model(RunSettings& settings, const ModelConfig& model) {
  const auto fields = nlohmann::json::parse(to_json_text(model)).flatten();
  for (const auto& [pointer, value] : fields.items()) settings[model_setting(pointer)] = value.dump();
}

void add_data(RunSettings& settings, Language language, const TokenFile* file) {
  settings[fmt::format("data of {}", name_of(language))] =
      file == nullptr ? "none" : fmt::format("XXH3 {:016x}", file->checksum());
}

void add_stream(RunSettings& settings, const BatchStream& stream) {
  settings["--batch-size"] = fmt::to_string(stream.options().sequences);
  settings["--sequence-length"] = fmt::to_string(stream.options().length);
  settings["--seed"] = fmt::to_string(stream.options().seed);
  settings["end of text"] = fmt::to_string(stream.options().end_of_text);
  for (const Language language : all_languages) {
    settings[fmt::format("share of {}", name_of(language))] = fmt::to_string(stream.share(language));
    add_data(settings, language, stream.file(language));
  }
}

void add_options(RunSettings& settings, const TrainOptions& options) {
  settings[steps_flag] = fmt::to_string(options.steps);
  settings["--gradient-accumulation-steps"] = fmt::to_string(options.accumulation);
  settings["--learning-rate"] = fmt::to_string(options.learning_rate);
  settings["--final-rate"] = fmt::to_string(options.final_rate);
  settings["--warmup-ratio"] = fmt::to_string(options.warm_up);
  settings["--max-grad-norm"] = fmt::to_string(options.clip);
  settings["--balance-weight"] = fmt::to_string(options.balance_weight);
  settings["--z-loss-weight"] = fmt::to_string(options.z_weight);
  settings["--weight-decay"] = fmt::to_string(options.optimizer.decay);
  settings["AdamW beta_1"] = fmt::to_string(options.optimizer.beta_1);
  settings["AdamW beta_2"] = fmt::to_string(options.optimizer.beta_2);
  settings["AdamW epsilon"] = fmt::to_string(options.optimizer.epsilon);
  settings[master_weights_flag] = name_of(options.precision.master);
  settings[moments_flag] = name_of(options.precision.moments);
  settings["weights that train"] =
      fmt::format("{} without {}", fmt::join(options.trains.train, " "), fmt::join(options.trains.freeze, " "));
  settings["starting weights"] = options.origin;
  if (options.replay != nullptr) settings["--replay-routing"] = options.replay->name();
}

/// Adds the default precision to the settings of runs from before precision was configurable.
RunSettings with_precision(RunSettings settings) {
  settings.try_emplace(dtype_flag, name_of(ModelDtype::float32));
  settings.try_emplace(master_weights_flag, name_of(moe::MasterWeights::float32));
  settings.try_emplace(moments_flag, name_of(AdamWPrecision::Moments::float32));
  return settings;
}

/// Replaces the former spelling of some values in the settings of runs of version 0.1.
RunSettings in_current_spelling(RunSettings settings) {
  for (const MixtureSetting* setting : mixture_settings())
    if (const auto found = settings.find(model_setting(fmt::format("/moe/{}", setting->key)));
        found != settings.end() && found->second == fmt::format("\"{}\"", setting->former_choice.first))
      found->second = fmt::format("\"{}\"", setting->former_choice.second);
  return settings;
}

/// Removes mixture settings that do not apply to the architecture: older runs recorded those of all architectures.
RunSettings without_idle(RunSettings before, const RunSettings& after) {
  for (const MixtureSetting* setting : mixture_settings())
    if (const std::string name = model_setting(fmt::format("/moe/{}", setting->key)); !after.contains(name))
      before.erase(name);
  return before;
}

std::string value_in(const RunSettings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "nothing" : escaped(found->second);
}

std::optional<std::int64_t> number_in(const RunSettings& settings, const char* name) {
  const auto found = settings.find(name);
  if (found == settings.end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

RunSettings settings_of(const LanguageModel& model, const BatchStream& stream, const TrainOptions& options) {
  RunSettings settings;
  add_model(settings, model.config());
  settings[dtype_flag] = name_of(model.dtype());
  add_stream(settings, stream);
  add_options(settings, options);
  return settings;
}

RunSettings settings_of(const LanguageModel& model, const LanguageFiles& files) {
  RunSettings settings;
  add_model(settings, model.config());
  settings[dtype_flag] = name_of(model.dtype());
  for (const Language language : all_languages) add_data(settings, language, files[index_of(language)].get());
  return settings;
}

bool has_own_head(const RunSettings& settings) {
  const auto tied = settings.find(model_setting("/tie_word_embeddings"));
  return tied != settings.end() && tied->second == "false";
}

std::optional<std::int64_t> number_of_steps(const RunSettings& settings) { return number_in(settings, steps_flag); }

std::int64_t number_of_slots(const RunSettings& settings) { return number_in(settings, slots_flag).value_or(1); }

ExpertPlacement placement_in(const RunSettings& settings) {
  const auto found = settings.find(placement_flag);
  return found == settings.end() ? ExpertPlacement::everywhere : placement_named(found->second);
}

std::optional<std::int64_t> number_of_balanced_processes(const RunSettings& settings) {
  return number_in(settings, balanced_processes);
}

std::string differences(const RunSettings& begun_with, const RunSettings& asked_for) {
  const RunSettings after = with_precision(asked_for);
  const RunSettings before = without_idle(in_current_spelling(with_precision(begun_with)), after);
  RunSettings names = before;
  names.insert(after.begin(), after.end());
  std::string text;
  names.erase(steps_flag);
  names.erase(slots_flag);
  names.erase(placement_flag);
  names.erase(balanced_processes);
  for (const auto& [name, unused] : names) {
    const std::string then = value_in(before, name), now = value_in(after, name);
    if (then == now) continue;
    // --device cuda is no setting of the run, but the reason for bfloat16 if it is given without --dtype.
    const bool is_for_cpu = name == dtype_flag && then == name_of(ModelDtype::float32);
    text += fmt::format("  {}: {}{}, found {}\n", escaped(name), then, is_for_cpu ? " (on --device cpu)" : "", now);
  }
  return text;
}

}  // namespace multipl_moe
