/// What a run's bits depend on, beside the program itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

struct TrainOptions;

/// Settings by name (the flag's, where there is one), each as a text that is equal exactly where the value is.
using RunSettings = std::map<std::string, std::string>;

RunSettings settings_of(const ModelConfig& model, const BatchStream& stream, const TrainOptions& options);

/// Whether a run with these settings has a head of its own beside the embedding.
bool has_own_head(const RunSettings& settings);

/// The flag that says how many steps a run has.
inline constexpr const char* steps_flag = "--steps";

/// The number of steps in `settings`; empty where there is none.
std::optional<std::int64_t> number_of_steps(const RunSettings& settings);

/// Every setting that differs, but for the number of steps, which may, as `<name>: <begun with>, found <asked for>`,
/// one a line; empty where none does.
std::string differences(const RunSettings& begun_with, const RunSettings& asked_for);

}  // namespace multipl_moe
