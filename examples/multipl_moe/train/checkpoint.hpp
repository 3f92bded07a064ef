/// A model on disk: config.json and its safetensors files in one folder, written atomically.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// How a model is saved.
struct SaveOptions {
  /// Dtype of the weights: "float32", "bfloat16" or "float16"; buffers stay in float32.
  std::string torch_dtype = "float32";
  std::uint64_t max_shard_bytes = default_shard_bytes;
};

/// Throws UsageError for an unknown dtype; IoError, with ENOSPC before the first byte if the disk is too full.
void save_model(LanguageModel& model, const std::filesystem::path& folder, const SaveOptions& options = {});

/// `folder` holds config.json and the tensors of a model of this program or of a supported transformers class, or is a
/// run folder whose checkpoints/LATEST names such a folder. Throws BadFile if a tensor is missing, unknown, or has a
/// shape other than config.json gives; UsageError if a weight of a model in bfloat16 is stored with a value that is
/// none of bfloat16; IoError; OutOfMemory if memory of the machine, moe::DeviceOutOfMemory if that of a GPU cannot hold
/// the weights.
std::unique_ptr<LanguageModel> load_model(const std::filesystem::path& folder, int threads,
                                          ModelDtype dtype = ModelDtype::float32, const Device& device = {});
/// The same with the given configuration: that of load_config() or, if that is tied, the same untied, whose head then
/// starts with the embedding's values. With `spread` each process reads its part of the experts.
std::unique_ptr<LanguageModel> load_model(const std::filesystem::path& folder, int threads, const ModelConfig& config,
                                          ModelDtype dtype = ModelDtype::float32, const Device& device = {},
                                          const ExpertSpread& spread = {});

/// What load_model_in_files() reports, and what it needs for that.
struct InFilesOptions {
  std::int64_t beside = 0;  ///< bytes of memory that the command takes besides the files
  bool decodes = false;     ///< whether it decodes token by token if the model allows it
  bool quiet = false;       ///< prints nothing, and does not read the files ahead
};
/// The same as load_model() for inference, from matrices that stay in the files (LanguageModel::read_in_place). First
/// reads the files into the system's cache, with progress on stderr; if free memory cannot hold them, a note says what
/// that costs instead. Throws as load_model(); OutOfMemory if the system grants too few addresses; Failure if a matrix
/// cannot stay in the files (matrix_not_for_files()).
std::unique_ptr<LanguageModel> load_model_in_files(const std::filesystem::path& folder, int threads,
                                                   ModelDtype dtype = ModelDtype::float32,
                                                   const InFilesOptions& options = {.quiet = true});
/// Names a matrix that cannot stay in the files, with its dtype and place; empty if all can. It must be BF16, or F32
/// for a model in float32, and lie at a multiple of its bytes per value. Throws BadFile, IoError.
std::string matrix_not_for_files(const std::filesystem::path& folder, ModelDtype model = ModelDtype::float32);

/// A model of `config` with the tokenizer and the generation defaults of `folder`, and with weights as
/// make_language_model() leaves them. Throws BadFile, IoError; UsageError if the vocabulary is smaller than the
/// tokenizer's.
std::unique_ptr<LanguageModel> make_model(const std::filesystem::path& folder, int threads, const ModelConfig& config,
                                          ModelDtype dtype = ModelDtype::float32, const Device& device = {},
                                          const ExpertSpread& spread = {});

/// The folder that holds the model: `folder` itself, or what a run folder's LATEST points to. Throws BadFile.
std::filesystem::path model_folder(const std::filesystem::path& folder);
/// The configuration that load_model() uses: that of config.json, but untied if a separate head is stored. Throws
/// BadFile, IoError.
ModelConfig load_config(const std::filesystem::path& folder);
/// XXH3 of the weights that load_model() reads; for several files, of the hashes of their index and of each file.
/// Throws BadFile, IoError.
std::uint64_t hash_of_weights(const std::filesystem::path& folder);

/// The dtype in which the weights that load_model() reads are stored, as in --dtype: "float32", "float16" or
/// "bfloat16"; "float32" for any other dtype. Throws BadFile, IoError.
std::string stored_dtype(const std::filesystem::path& folder);

/// Writer for these weights and buffers of a model, into a folder that the caller makes complete. Does not access the
/// disk.
ShardedWriter weights_writer(std::span<const TensorRef> tensors, const std::filesystem::path& folder,
                             const SaveOptions& options = {});
/// Writes the files of a model with these weights and buffers, with `writer` from weights_writer(). Throws
/// ValueTooLarge, IoError.
void write_model_files(const LanguageModel& model, std::span<const TensorRef> tensors,
                       const std::filesystem::path& folder, ShardedWriter& writer, const SaveOptions& options = {});
/// Reads weights and buffers from a folder of write_model_files(). Throws as load_model().
void read_weights(LanguageModel& model, const std::filesystem::path& folder);

}  // namespace multipl_moe
