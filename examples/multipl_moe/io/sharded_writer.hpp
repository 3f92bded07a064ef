/// Writes models piece by piece, in files of a limited size; only one piece is in memory at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

/// A tensor to be written.
struct PlannedTensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
};

/// Default maximum of tensor bytes per file.
inline constexpr std::uint64_t default_shard_bytes = 5'000'000'000;

/// Writes `<stem>.safetensors` if all tensors fit into one file, otherwise `<stem>-0000k-of-0000n.safetensors` and
/// `<stem>.safetensors.index.json`. Tensors are sorted by element width, widest first, and then by name, which aligns
/// every tensor. Equal arguments and values give bitwise identical files. Not atomic: to be used inside
/// save_folder_atomically().
class ShardedWriter {
 public:
  /// Plans all files without accessing the disk. A shard holds at most `max_shard_bytes` of tensors, or a single larger
  /// tensor. Throws Failure if a name occurs twice or is `__metadata__`, if a dtype or shape is invalid, and if
  /// `max_shard_bytes` is 0.
  ShardedWriter(std::filesystem::path folder, std::string stem, std::vector<PlannedTensor> tensors,
                std::uint64_t max_shard_bytes = default_shard_bytes, TensorMetadata metadata = {{"format", "pt"}});

  /// The order in which the tensors must be written.
  const std::vector<PlannedTensor>& order() const noexcept { return tensors_; }
  /// Bytes of all files together, headers and index included.
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  std::size_t shards() const noexcept { return shards_.size(); }

  /// Writes the next bytes of the tensors in their order, row-major and little-endian; a call may end within a tensor
  /// or span several. Throws Failure if there are more bytes than planned; IoError.
  void write(std::span<const std::byte> bytes);
  /// Writes the next values, converted to their tensor's dtype, rounding to nearest, ties to even. Throws UsageError if
  /// a finite value would become infinite; Failure as write(), and if the dtype is not a float dtype or write() stopped
  /// inside an element; IoError.
  void write_floats(std::span<const float> values);
  /// Must be called after everything is written; makes all files durable. Throws Failure if something is missing;
  /// IoError.
  void finish();

 private:
  struct Shard {
    std::string name;
    std::size_t first = 0, last = 0;  ///< range of tensors_, last excluded
    std::string header;               ///< including the 8-byte length
    std::uint64_t bytes = 0;          ///< header included
  };

  void cut(std::uint64_t max_shard_bytes);
  void name_shards(const TensorMetadata& metadata);
  std::string index_text() const;
  /// Advances to the tensor of the next byte, past completed tensors and files. False at the end.
  bool find_place();
  void put(std::span<const std::byte> bytes);

  std::filesystem::path folder_;
  std::string stem_;
  std::vector<PlannedTensor> tensors_;
  std::vector<std::uint64_t> tensor_bytes_;
  std::vector<Shard> shards_;
  std::string index_;
  std::uint64_t total_bytes_ = 0;
  std::size_t shard_ = 0, tensor_ = 0;
  std::uint64_t written_of_tensor_ = 0;
  std::unique_ptr<CheckedFile> file_;
};

}  // namespace multipl_moe
