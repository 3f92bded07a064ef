/// A model on the disk: its configuration and its tensors under our names, whatever names the files have for them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/sharded_writer.hpp"
#include "multipl_moe/io/tensor_folder.hpp"
#include "multipl_moe/io/tensor_names.hpp"

namespace multipl_moe {

class StoredModel {
 public:
  /// config.json and the tensors of `folder`: a model of ours or of a class that is read, experts one by one or
  /// fused. Reads no tensor but those of a head that should be tied and is stored beside the embedding: where they
  /// differ, both are kept, config() is not tied, and a notice says so. Throws BadFile, IoError.
  static StoredModel open(const std::filesystem::path& folder);

  const ModelConfig& config() const noexcept { return config_.model; }
  const TensorFolder& tensors() const noexcept { return tensors_; }

  /// Where a weight is stored: with tied embeddings the head where the embedding is, or both where the head is. Throws
  /// BadFile where it is nowhere or has another shape.
  StoredPart find(std::string_view name, std::span<const std::int64_t> shape) const;
  /// Reads `values.size()` elements of a weight from element `first` on, from any float dtype. Throws as find() and
  /// TensorFolder::read_floats().
  void read_floats(std::string_view name, std::span<const std::int64_t> shape, std::uint64_t first,
                   std::span<float> values) const;

  /// Throws BadFile where one of `wanted` is missing or has another shape, or where the files hold anything else;
  /// dtypes do not matter.
  void require_exactly(std::span<const PlannedTensor> wanted) const;

 private:
  /// What the files have for a weight that is called `name` here.
  std::string_view stored_name(std::string_view name) const;

  StoredModel(StoredConfig config, TensorFolder tensors) : config_(std::move(config)), tensors_(std::move(tensors)) {}
  /// What a file may hold and no model needs.
  bool is_idle(std::string_view name, const TensorEntry& tensor) const;

  StoredConfig config_;
  TensorFolder tensors_;
};

/// Whether both embedding and head are stored and differ in a value or in shape.
bool has_own_head(const TensorFolder& tensors);

/// The configuration of StoredModel::open(), without a notice; that of config.json where no tensors are beside it.
ModelConfig read_config_of_files(const std::filesystem::path& folder);

/// The dtype of the embedding, or of the head where that is stored for both. Throws BadFile where neither is there.
const std::string& embedding_dtype(const TensorFolder& tensors);

}  // namespace multipl_moe
