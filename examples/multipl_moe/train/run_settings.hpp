/// The settings that the results of a run depend on, besides the program itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct TrainOptions;

/// Settings by name (that of the flag, if there is one). Values are texts, which are equal if and only if the values
/// are.
using RunSettings = std::map<std::string, std::string>;

RunSettings settings_of(const LanguageModel& model, const BatchStream& stream, const TrainOptions& options);

/// Those of a model and of the text that it reads.
RunSettings settings_of(const LanguageModel& model, const LanguageFiles& files);

/// Whether a run with these settings trains a head separate from the embedding.
bool has_own_head(const RunSettings& settings);

/// The flag for the number of steps of a run.
inline constexpr const char* steps_flag = "--steps";

/// The number of steps in `settings`; empty if there is none.
std::optional<std::int64_t> number_of_steps(const RunSettings& settings);

/// The flag for the number of sums of gradients that are added in a fixed order.
inline constexpr const char* slots_flag = "--gradient-slots";

/// The number of slots in `settings`; 1 if it has none, as a run of one process without the flag.
std::int64_t number_of_slots(const RunSettings& settings);

/// The flag for the processes that have the experts.
inline constexpr const char* placement_flag = "--placement";

/// The placement in `settings`: everywhere if it has none, as a run whose experts are not spread.
ExpertPlacement placement_in(const RunSettings& settings);

/// The number of processes whose micro-batches share one balance loss. Not set in a run without a global balance.
inline constexpr const char* balanced_processes = "processes of the global balance";

/// This number in `settings`; empty if there is none.
std::optional<std::int64_t> number_of_balanced_processes(const RunSettings& settings);

/// All settings that differ, as `<name>: <begun with>, found <asked for>`, one per line; empty if none does. The
/// numbers of steps, slots and processes and the placement may differ and are not listed.
std::string differences(const RunSettings& begun_with, const RunSettings& asked_for);

}  // namespace multipl_moe
