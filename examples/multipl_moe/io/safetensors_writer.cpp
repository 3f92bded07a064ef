#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

namespace {

void check_tensor(const std::filesystem::path& path, const TensorView& tensor) {
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes || *bytes != tensor.bytes.size())
    throw Failure(fmt::format("[write_safetensors] {}: '{}': {} of shape [{}] cannot have {} bytes",
                              escaped(path.native()), escaped(tensor.name), escaped(tensor.dtype),
                              fmt::join(tensor.shape, ", "), tensor.bytes.size()));
}

std::string header_text(const std::filesystem::path& path, std::span<const TensorView> tensors,
                        const TensorMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names{"__metadata__"};
  std::uint64_t begin = 0;
  for (const TensorView& tensor : tensors) {
    check_tensor(path, tensor);
    if (!names.insert(tensor.name).second)
      throw Failure(fmt::format("[write_safetensors] {}: the name '{}' must be free, found it taken",
                                escaped(path.native()), escaped(tensor.name)));
    const std::uint64_t end = begin + tensor.bytes.size();
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const TensorMetadata& metadata) {
  const std::string header = header_text(path, tensors, metadata);
  const auto header_bytes = static_cast<std::uint64_t>(header.size());
  std::uint64_t total = 8 + header_bytes;
  for (const TensorView& tensor : tensors) total += tensor.bytes.size();
  CheckedFile file(path, total);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const TensorView& tensor : tensors) file.write(tensor.bytes);
  file.close();
}

}  // namespace multipl_moe
