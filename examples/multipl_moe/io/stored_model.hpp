/// A model on disk: its configuration, and its tensors under our names whatever their names in the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/tensor_names.hpp"

namespace multipl_moe {

class StoredModel {
 public:
  /// Opens config.json and the tensors of `folder`: a model of ours or of a supported transformers class, with separate
  /// or fused experts. Reads no tensor values, except to compare a stored head with the embedding that it should be
  /// tied to: if they differ, both are kept, config() is not tied, and a notice is printed. Throws BadFile, IoError.
  static StoredModel open(const std::filesystem::path& folder);

  const ModelConfig& config() const noexcept { return config_.model; }
  const TensorFolder& tensors() const noexcept { return tensors_; }

  /// Where a weight is stored. With tied embeddings, the head is read from the embedding, or both from the head if only
  /// that is stored. Throws BadFile if the weight is not stored or has another shape.
  StoredPart find(std::string_view name, std::span<const std::int64_t> shape) const;
  /// Reads `values.size()` elements of a weight from element `first` on, from any float dtype. Throws as find() and
  /// TensorFolder::read_floats().
  void read_floats(std::string_view name, std::span<const std::int64_t> shape, std::uint64_t first,
                   std::span<float> values) const;

  /// Throws BadFile if one of `wanted` is missing or has another shape, or if the files hold other tensors; dtypes are
  /// not compared.
  void require_exactly(std::span<const PlannedTensor> wanted) const;

 private:
  /// The name in the files of the weight `name`.
  std::string_view stored_name(std::string_view name) const;

  StoredModel(StoredConfig config, TensorFolder tensors) : config_(std::move(config)), tensors_(std::move(tensors)) {}
  /// Whether a tensor may be in a file although the model does not need it.
  bool is_idle(std::string_view name, const TensorEntry& tensor) const;

  StoredConfig config_;
  TensorFolder tensors_;
};

/// Whether both embedding and head are stored and differ in a value or in shape.
bool has_own_head(const TensorFolder& tensors);

/// The configuration of StoredModel::open(), without a notice; that of config.json if there are no tensors beside it.
ModelConfig read_config_of_files(const std::filesystem::path& folder);

/// The dtype of the embedding, or of the head if only that is stored. Throws BadFile if neither is stored.
const std::string& embedding_dtype(const TensorFolder& tensors);

}  // namespace multipl_moe
