// Writes safetensors files whose tensors are in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/dtype.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"
#include "moe/safetensors/tensor_entry.hpp"

namespace moe::io {

/// Bytes of one tensor. Throws Error, which names `path`, if its dtype is unknown or its shape invalid.
inline std::uint64_t planned_bytes(const std::filesystem::path& path, const PlannedTensor& tensor) {
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes)
    throw Error(detail::text_of('[', escaped(path.native()), "] '", escaped(tensor.name), "' cannot be ",
                                escaped(tensor.dtype), " of shape ", detail::bracketed(tensor.shape)));
  return *bytes;
}

/// The 8-byte length and the header itself, padded so that the data begin at a multiple of 8. The tensors follow one
/// another in the given order. Throws Error as planned_bytes(), and if a name occurs twice or is reserved.
inline std::string safetensors_header(const std::filesystem::path& path, std::span<const PlannedTensor> tensors,
                                      const TensorMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names{"__metadata__"};
  std::uint64_t begin = 0;
  for (const PlannedTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      throw Error(detail::text_of('[', escaped(path.native()), "] the tensor name '", escaped(tensor.name),
                                  "' must be unused, found it in use"));
    const std::uint64_t end = begin + planned_bytes(path, tensor);
    // operator[] would search all previous names, which are known to differ from the check above.
    header.get_ref<nlohmann::ordered_json::object_t&>().emplace_back(
        tensor.name,
        nlohmann::ordered_json{{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}});
    begin = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  const auto size = static_cast<std::uint64_t>(text.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

/// A tensor to be written; `bytes` row-major and little-endian.
struct TensorView {
  /// Its name in the file.
  std::string name;
  /// Its element type, such as "F32".
  std::string dtype;
  /// The dimensions, outermost first.
  std::vector<std::int64_t> shape;
  /// The values, which must outlive the view.
  std::span<const std::byte> bytes;
};

/// Writes `tensors` in the given order; the tensors' bytes begin at a multiple of 8. Equal arguments give bitwise
/// identical files. Not atomic. Throws Error if a name occurs twice or if dtype, shape and bytes disagree; IoError.
inline void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                              const TensorMetadata& metadata = {}) {
  std::vector<PlannedTensor> planned;
  std::uint64_t total = 0;
  for (const TensorView& tensor : tensors) {
    planned.push_back({tensor.name, tensor.dtype, tensor.shape});
    if (planned_bytes(path, planned.back()) != tensor.bytes.size())
      throw Error(detail::text_of('[', escaped(path.native()), "] '", escaped(tensor.name),
                                  "': ", escaped(tensor.dtype), " of shape ", detail::bracketed(tensor.shape),
                                  " cannot have ", counted(tensor.bytes.size(), "bytes")));
    total += tensor.bytes.size();
  }
  const std::string header = safetensors_header(path, planned, metadata);
  CheckedFile file(path, header.size() + total);
  file.write(header);
  for (const TensorView& tensor : tensors) file.write(tensor.bytes);
  file.close();
}

}  // namespace moe::io
