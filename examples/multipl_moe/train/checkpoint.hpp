/// A model on the disk: config.json and model.safetensors in one folder, written whole or not at all.
#pragma once

#include <filesystem>
#include <memory>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Throws Failure, IoError.
void save_model(LanguageModel& model, const std::filesystem::path& folder);

/// `folder` holds config.json and model.safetensors, or is a run folder whose checkpoints/LATEST names such a one.
/// Throws BadFile where a tensor is missing, unknown, or of another shape than config.json says; IoError.
std::unique_ptr<LanguageModel> load_model(const std::filesystem::path& folder, int threads);

}  // namespace multipl_moe
