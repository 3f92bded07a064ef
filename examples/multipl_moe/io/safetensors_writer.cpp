#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/safetensors_layout.hpp"

namespace multipl_moe {

std::uint64_t planned_bytes(const std::filesystem::path& path, const PlannedTensor& tensor) {
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes)
    throw Failure(fmt::format("[{}] '{}' cannot be {} of shape [{}]", escaped(path.native()), escaped(tensor.name),
                              escaped(tensor.dtype), fmt::join(tensor.shape, ", ")));
  return *bytes;
}

std::string safetensors_header(const std::filesystem::path& path, std::span<const PlannedTensor> tensors,
                               const TensorMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names{"__metadata__"};
  std::uint64_t begin = 0;
  for (const PlannedTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      throw Failure(fmt::format("[{}] the tensor name '{}' must be unused, found it in use", escaped(path.native()),
                                escaped(tensor.name)));
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

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const TensorMetadata& metadata) {
  std::vector<PlannedTensor> planned;
  std::uint64_t total = 0;
  for (const TensorView& tensor : tensors) {
    planned.push_back({tensor.name, tensor.dtype, tensor.shape});
    if (planned_bytes(path, planned.back()) != tensor.bytes.size())
      throw Failure(fmt::format("[{}] '{}': {} of shape [{}] cannot have {}", escaped(path.native()),
                                escaped(tensor.name), escaped(tensor.dtype), fmt::join(tensor.shape, ", "),
                                counted(tensor.bytes.size(), "bytes")));
    total += tensor.bytes.size();
  }
  const std::string header = safetensors_header(path, planned, metadata);
  CheckedFile file(path, header.size() + total);
  file.write(header);
  for (const TensorView& tensor : tensors) file.write(tensor.bytes);
  file.close();
}

}  // namespace multipl_moe
