#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "moe/safetensors/dtype.hpp"

namespace moe::io {

/// One tensor of a file. `begin` and `end` count bytes from the end of the header.
struct TensorEntry {
  /// The element type, such as "F32".
  std::string dtype;
  /// The dimensions, outermost first.
  std::vector<std::int64_t> shape;
  /// The first byte.
  std::uint64_t begin = 0;
  /// The byte after the last one.
  std::uint64_t end = 0;

  /// Bytes of the tensor.
  std::uint64_t bytes() const { return end - begin; }
  /// Elements: the product of `shape`, 1 if it is empty.
  std::int64_t count() const { return element_count(shape).value(); }
};

/// The tensors of a file by name.
using TensorEntries = std::map<std::string, TensorEntry, std::less<>>;
/// The metadata of a file: text by name.
using TensorMetadata = std::map<std::string, std::string, std::less<>>;

/// A tensor to be written.
struct PlannedTensor {
  /// Its name in the file.
  std::string name;
  /// Its element type in the file.
  std::string dtype;
  /// The dimensions, outermost first.
  std::vector<std::int64_t> shape;
};

/// Default maximum of tensor bytes per file.
inline constexpr std::uint64_t default_shard_bytes = 5'000'000'000;

}  // namespace moe::io
