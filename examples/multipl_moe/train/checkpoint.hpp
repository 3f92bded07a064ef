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

/// The same model with all weights as make_language_model() leaves them. Throws BadFile, IoError; UsageError where the
/// vocabulary does not hold the tokenizer's tokens.
std::unique_ptr<LanguageModel> make_model(const std::filesystem::path& folder, int threads);

/// The folder that holds the model: `folder` itself, or what a run folder's LATEST points to. Throws BadFile.
std::filesystem::path model_folder(const std::filesystem::path& folder);
/// Where load_model() would find the weights. Throws BadFile.
std::filesystem::path weights_file(const std::filesystem::path& folder);
/// The config.json that load_model() would read. Throws BadFile, IoError.
ModelConfig load_config(const std::filesystem::path& folder);

/// The files of a model, into a folder that somebody else makes whole. Throws Failure, IoError.
void write_model_files(LanguageModel& model, const std::filesystem::path& folder);
/// Weights and buffers from a folder of write_model_files(). Throws as load_model().
void read_weights(LanguageModel& model, const std::filesystem::path& folder);

}  // namespace multipl_moe
