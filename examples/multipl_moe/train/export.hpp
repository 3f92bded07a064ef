/// Export to Hugging Face transformers, with its configurations and tensor names.
#pragma once

#include <filesystem>

#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

/// Writes the model of `source`, a model or run folder, as the transformers class of export_family(), which computes
/// the same function. Tensors are streamed: at most one block of a tensor is in memory. Also writes
/// generation_config.json and the ids of special tokens. Throws UsageError if transformers has no such model, BadFile,
/// IoError (ENOSPC before the first byte if the disk is too full).
void export_model(const std::filesystem::path& source, const std::filesystem::path& output, const SaveOptions& options);

}  // namespace multipl_moe
