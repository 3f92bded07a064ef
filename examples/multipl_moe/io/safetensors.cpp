#include "multipl_moe/io/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "moe/core/bfloat16.hpp"
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
    throw BadFile(path(), fmt::format("must hold the tensor '{}', found {} others", escaped(name), entries_.size()));
  return found->second;
}

void SafetensorsFile::read(std::string_view name, std::span<std::byte> bytes) const {
  const TensorEntry& tensor = entry(name);
  if (tensor.bytes() != bytes.size())
    throw BadFile(path(),
                  fmt::format("'{}' has {} bytes, {} were asked for", escaped(name), tensor.bytes(), bytes.size()));
  file_.read_at(data_begin_ + tensor.begin, bytes);
}

namespace {

template <class Stored>
Stored load(const std::byte* bytes) {
  Stored value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// `convert` takes one element's bytes. They are read in pieces: a tensor may be larger than what
/// memory is left beside `values`.
template <class Stored, class Real, class Convert>
void read_converted(const InputFile& file, std::uint64_t offset, std::span<Real> values, Convert convert) {
  std::array<std::byte, 32768> piece;
  while (!values.empty()) {
    const std::size_t count = std::min(values.size(), piece.size() / sizeof(Stored));
    file.read_at(offset, std::span(piece).first(count * sizeof(Stored)));
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<Real>(convert(load<Stored>(piece.data() + i * sizeof(Stored))));
    values = values.subspan(count);
    offset += count * sizeof(Stored);
  }
}

template <class Real>
void read_as(const InputFile& file, std::uint64_t offset, std::string_view name, const TensorEntry& tensor,
             std::span<Real> values) {
  if (static_cast<std::uint64_t>(tensor.count()) != values.size())
    throw BadFile(file.path(), fmt::format("'{}' of shape [{}] has {} elements, {} were asked for", escaped(name),
                                           fmt::join(tensor.shape, ", "), tensor.count(), values.size()));
  const auto same = [](auto value) { return value; };
  if (tensor.dtype == "F32")
    read_converted<float>(file, offset, values, same);
  else if (tensor.dtype == "F64")
    read_converted<double>(file, offset, values, same);
  else if (tensor.dtype == "BF16")
    read_converted<moe::BFloat16>(file, offset, values, [](moe::BFloat16 value) { return float(value); });
  else if (tensor.dtype == "F16")
    read_converted<std::uint16_t>(file, offset, values, float_of_half);
  else
    throw BadFile(file.path(),
                  fmt::format("'{}' must be F64, F32, F16 or BF16, found {}", escaped(name), tensor.dtype));
}

}  // namespace

void SafetensorsFile::read_floats(std::string_view name, std::span<float> values) const {
  const TensorEntry& tensor = entry(name);
  read_as(file_, data_begin_ + tensor.begin, name, tensor, values);
}

void SafetensorsFile::read_floats(std::string_view name, std::span<double> values) const {
  const TensorEntry& tensor = entry(name);
  read_as(file_, data_begin_ + tensor.begin, name, tensor, values);
}

}  // namespace multipl_moe
