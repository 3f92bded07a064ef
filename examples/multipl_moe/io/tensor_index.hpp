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
  std::optional<std::uint64_t> total_size;  ///< bytes of all tensors, if the index gives them
  std::vector<std::string> shards;          ///< file names, each once, in the order of their first use in the map
  std::map<std::string, std::size_t, std::less<>> shard_of;
};

/// Throws BadFile if `text` is not JSON (with the offset) or not an index, if a tensor is listed twice, if a shard is
/// not a plain file name, or if there are more than 300,000 tensors or 10,000 shards. Only the result is kept in
/// memory.
TensorIndex parse_tensor_index(std::string_view text, const std::filesystem::path& path);
/// As parse_tensor_index(), for a file of at most 16 MiB.
TensorIndex read_tensor_index(const std::filesystem::path& path);

}  // namespace multipl_moe
