#include "multipl_moe/io/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors_header.hpp"

namespace multipl_moe {

std::int64_t TensorEntry::count() const { return element_count(shape).value(); }

SafetensorsFile::SafetensorsFile(InputFile file, std::uint64_t data_begin, TensorMetadata metadata,
                                 TensorEntries entries)
    : file_(std::move(file)), data_begin_(data_begin), metadata_(std::move(metadata)), entries_(std::move(entries)) {}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  InputFile file = InputFile::open(path);
  SafetensorsHeader header = read_safetensors_header(file);
  return SafetensorsFile(std::move(file), header.data_begin, std::move(header.metadata), std::move(header.entries));
}

const TensorEntry& SafetensorsFile::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    throw BadFile(
        path(), fmt::format("must hold the tensor '{}', found {}", escaped(name), counted(entries_.size(), "others")));
  return found->second;
}

namespace {

/// Throws BadFile if a value in the F64 `bytes`, which begin at element `first` of the tensor, exceeds the range of
/// float.
void require_floats(const std::filesystem::path& path, std::string_view name, const TensorEntry& tensor,
                    std::uint64_t first, std::span<const std::byte> bytes) {
  const std::size_t at = first_too_large_for_float(bytes);
  if (at == bytes.size() / sizeof(double)) return;
  std::array<double, 1> value{};
  decode_floats("F64", bytes.subspan(at * sizeof(double), sizeof(double)), std::span<double>(value));
  throw BadFile(path, fmt::format("'{}' must have values of at most {}, since it is read as float32, found {} at {}",
                                  escaped(name), largest_of("F32"), value[0], place_in(tensor.shape, first + at)));
}

/// Reads in pieces: a tensor may be larger than the memory that is left beside `values`.
template <class Real>
void read_converted(const InputFile& file, std::uint64_t data_begin, std::string_view name, const TensorEntry& tensor,
                    std::uint64_t first, std::span<Real> values) {
  const std::uint64_t width = *dtype_bytes(tensor.dtype);
  std::array<std::byte, 32768> piece;
  while (!values.empty()) {
    const std::size_t count = std::min<std::size_t>(values.size(), piece.size() / width);
    const auto bytes = std::span(piece).first(count * width);
    file.read_at(data_begin + tensor.begin + first * width, bytes);
    if (std::is_same_v<Real, float> && tensor.dtype == "F64") require_floats(file.path(), name, tensor, first, bytes);
    decode_floats(tensor.dtype, bytes, values.first(count));
    values = values.subspan(count);
    first += count;
  }
}

/// Throws BadFile unless the part lies within the tensor. `first` and `count` are in elements of `width` bytes.
void require_part(const std::filesystem::path& path, std::string_view name, const TensorEntry& tensor,
                  std::uint64_t width, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t all = tensor.bytes() / width;
  if (first > all || count > all - first)
    throw BadFile(path, fmt::format("'{}' has {}, requested: {} from {} on", escaped(name),
                                    counted(all, width == 1 ? "bytes" : "elements"), count, first));
}

template <class Real>
void read_as(const InputFile& file, std::uint64_t data_begin, std::string_view name, const TensorEntry& tensor,
             std::uint64_t first, std::span<Real> values) {
  if (!is_float_dtype(tensor.dtype))
    throw BadFile(file.path(),
                  fmt::format("'{}' must be F64, F32, F16 or BF16, found {}", escaped(name), tensor.dtype));
  const std::uint64_t width = *dtype_bytes(tensor.dtype);
  require_part(file.path(), name, tensor, width, first, values.size());
  read_converted(file, data_begin, name, tensor, first, values);
}

}  // namespace

void require_count(const std::filesystem::path& path, std::string_view name, const TensorEntry& tensor,
                   std::size_t asked_for) {
  if (static_cast<std::uint64_t>(tensor.count()) != asked_for)
    throw BadFile(path, fmt::format("'{}' of shape [{}] has {}, requested: {}", escaped(name),
                                    fmt::join(tensor.shape, ", "), counted(tensor.count(), "elements"), asked_for));
}

void read_tensor_bytes(const InputFile& file, std::uint64_t data_begin, std::string_view name,
                       const TensorEntry& tensor, std::uint64_t first, std::span<std::byte> bytes) {
  require_part(file.path(), name, tensor, 1, first, bytes.size());
  file.read_at(data_begin + tensor.begin + first, bytes);
}

void read_tensor_floats(const InputFile& file, std::uint64_t data_begin, std::string_view name,
                        const TensorEntry& tensor, std::uint64_t first, std::span<float> values) {
  read_as(file, data_begin, name, tensor, first, values);
}

void SafetensorsFile::read(std::string_view name, std::span<std::byte> bytes) const {
  const TensorEntry& tensor = entry(name);
  if (tensor.bytes() != bytes.size())
    throw BadFile(path(), fmt::format("'{}' has {}, requested: {}", escaped(name), counted(tensor.bytes(), "bytes"),
                                      bytes.size()));
  file_.read_at(data_begin_ + tensor.begin, bytes);
}

void SafetensorsFile::read(std::string_view name, std::uint64_t first, std::span<std::byte> bytes) const {
  read_tensor_bytes(file_, data_begin_, name, entry(name), first, bytes);
}

void SafetensorsFile::read_floats(std::string_view name, std::span<float> values) const {
  require_count(path(), name, entry(name), values.size());
  read_floats(name, 0, values);
}

void SafetensorsFile::read_floats(std::string_view name, std::span<double> values) const {
  const TensorEntry& tensor = entry(name);
  require_count(path(), name, tensor, values.size());
  read_as(file_, data_begin_, name, tensor, 0, values);
}

void SafetensorsFile::read_floats(std::string_view name, std::uint64_t first, std::span<float> values) const {
  read_tensor_floats(file_, data_begin_, name, entry(name), first, values);
}

}  // namespace multipl_moe
