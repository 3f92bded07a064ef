/// Models written piece by piece, in files of a limited size: no more of them than a piece is ever in memory.
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

/// A tensor that will be written.
struct PlannedTensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
};

/// Bytes of tensors in a file, where a user says nothing else.
inline constexpr std::uint64_t default_shard_bytes = 5'000'000'000;

/// Writes `<stem>.safetensors` where all tensors fit into one file, otherwise `<stem>-0000k-of-0000n.safetensors` and
/// `<stem>.safetensors.index.json`. Tensors are sorted by width of element, widest first, and by name: that aligns
/// every one. Equal arguments and values give equal bytes. Not atomic: to be used inside save_folder_atomically().
class ShardedWriter {
 public:
  /// Plans everything and touches no disk. A shard has at most `max_shard_bytes` of tensors, or one larger tensor
  /// alone. Throws Failure where a name occurs twice or is `__metadata__`, where dtype or shape cannot be, and where
  /// `max_shard_bytes` is 0.
  ShardedWriter(std::filesystem::path folder, std::string stem, std::vector<PlannedTensor> tensors,
                std::uint64_t max_shard_bytes = default_shard_bytes, TensorMetadata metadata = {{"format", "pt"}});

  /// The order in which the tensors must come.
  const std::vector<PlannedTensor>& order() const noexcept { return tensors_; }
  /// Of all files together, headers and index included.
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  std::size_t shards() const noexcept { return shards_.size(); }

  /// The next bytes of the tensors in their order, row-major and little-endian; a call may end in the middle of a
  /// tensor or reach into the next. Throws Failure where there are more than planned, IoError.
  void write(std::span<const std::byte> bytes);
  /// The next values, converted to their tensor's dtype: to the nearest, of two as near the even one. Throws UsageError
  /// where a finite value would become infinite, Failure also where that is no float dtype or write() stopped inside an
  /// element.
  void write_floats(std::span<const float> values);
  /// To be called once everything is written: makes all files durable. Throws Failure where something is missing,
  /// IoError.
  void finish();

 private:
  struct Shard {
    std::string name;
    std::size_t first = 0, last = 0;  ///< of tensors_, last excluded
    std::string header;               ///< with the 8 bytes before it
    std::uint64_t bytes = 0;          ///< header included
  };

  void cut(std::uint64_t max_shard_bytes);
  void name_shards(const TensorMetadata& metadata);
  std::string index_text() const;
  /// Moves on to the tensor that the next byte belongs to, through the ends of tensors and files. False at the end.
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
