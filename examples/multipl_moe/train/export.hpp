/// Models for Hugging Face transformers: its own configurations and names of tensors.
#pragma once

#include <filesystem>

#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

/// Writes the model of `source`, a model or run folder, so that transformers loads it and computes the same, as the
/// class of export_family(). Streams: no more than a piece
/// of a tensor is in memory. generation_config.json and the ids of special tokens come along. Throws UsageError where
/// transformers has no such model, BadFile, IoError (ENOSPC before the first byte where the disk has no room).
void export_model(const std::filesystem::path& source, const std::filesystem::path& output, const SaveOptions& options);

}  // namespace multipl_moe
