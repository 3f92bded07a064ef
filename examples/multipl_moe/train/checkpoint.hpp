/// A model on the disk: config.json and its safetensors files in one folder, written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "multipl_moe/io/sharded_writer.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// How a model is saved.
struct SaveOptions {
  /// Of the weights: "float32", "bfloat16" or "float16"; buffers stay in float32.
  std::string torch_dtype = "float32";
  std::uint64_t max_shard_bytes = default_shard_bytes;
};

/// Throws UsageError for an unknown dtype, IoError; with ENOSPC before the first byte where the disk has no room.
void save_model(LanguageModel& model, const std::filesystem::path& folder, const SaveOptions& options = {});

/// `folder` holds config.json and the tensors of a model of ours or of a class that is read, or is a run folder whose
/// checkpoints/LATEST names such a one. Throws BadFile where a tensor is missing, unknown, or of another shape than
/// config.json says; IoError; OutOfMemory where the weights do not fit.
std::unique_ptr<LanguageModel> load_model(const std::filesystem::path& folder, int threads);
/// The same as `config`, which is load_config()'s or, where that is tied, the same untied: its head then starts with
/// the embedding's values.
std::unique_ptr<LanguageModel> load_model(const std::filesystem::path& folder, int threads, const ModelConfig& config);

/// The same model, as `config`, with all weights as make_language_model() leaves them. Throws BadFile, IoError;
/// UsageError where the vocabulary does not hold the tokenizer's tokens.
std::unique_ptr<LanguageModel> make_model(const std::filesystem::path& folder, int threads, const ModelConfig& config);

/// The folder that holds the model: `folder` itself, or what a run folder's LATEST points to. Throws BadFile.
std::filesystem::path model_folder(const std::filesystem::path& folder);
/// The configuration that load_model() would find: config.json's, but for tied embeddings where another head is stored.
/// Throws BadFile, IoError.
ModelConfig load_config(const std::filesystem::path& folder);
/// XXH3 of the weights that load_model() would find; of several files that of their index and theirs. Throws BadFile,
/// IoError.
std::uint64_t hash_of_weights(const std::filesystem::path& folder);

/// What the weights that load_model() would find are stored in, as in --dtype: "float32", "float16" or "bfloat16";
/// "float32" of any other. Throws BadFile, IoError.
std::string stored_dtype(const std::filesystem::path& folder);

/// Weights and buffers of a model, to be written into a folder that somebody else makes whole. Touches no disk.
ShardedWriter weights_writer(LanguageModel& model, const std::filesystem::path& folder,
                             const SaveOptions& options = {});
/// The files of a model, with `writer` from weights_writer(). Throws Failure, IoError.
void write_model_files(LanguageModel& model, const std::filesystem::path& folder, ShardedWriter& writer,
                       const SaveOptions& options = {});
/// Weights and buffers from a folder of write_model_files(). Throws as load_model().
void read_weights(LanguageModel& model, const std::filesystem::path& folder);

}  // namespace multipl_moe
