/// <stem>.safetensors.index.json: which file of a model holds which tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

struct TensorIndex {
  std::optional<std::uint64_t> total_size;  ///< bytes of all tensors, where the index says so
  std::vector<std::string> shards;          ///< each once, in the order in which the map names them first
  std::map<std::string, std::size_t, std::less<>> shard_of;
};

/// Throws BadFile, with the offset, where `text` is no JSON or not an index, a tensor is listed twice, a shard is not a
/// plain file name, or there are more than 300,000 tensors or 10,000 shards. Keeps nothing of the text but what is in
/// the result.
TensorIndex parse_tensor_index(std::string_view text, const std::filesystem::path& path);
/// As parse_tensor_index(), of a file of at most 16 MiB.
TensorIndex read_tensor_index(const std::filesystem::path& path);

}  // namespace multipl_moe
