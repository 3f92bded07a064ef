// The safetensors format: 8 bytes N (little-endian), N bytes of JSON, then the tensors' bytes. The reader trusts
// nothing in a file: any bytes give a value or a BadFile that names the offset and the rule.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moe/core/counted.hpp"
#include "moe/safetensors/dtype.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"
#include "moe/safetensors/header.hpp"
#include "moe/safetensors/tensor_entry.hpp"

namespace moe::io {

namespace detail {

/// A tensor, its name, and the file in which it is.
struct PlacedTensor {
  const InputFile& file;
  std::uint64_t data_begin;
  std::string_view name;
  const TensorEntry& entry;

  /// Throws BadFile unless the tensor has `asked_for` elements.
  void require_count(std::size_t asked_for) const {
    if (static_cast<std::uint64_t>(entry.count()) != asked_for)
      throw BadFile(file.path(), text_of('\'', escaped(name), "' of shape ", bracketed(entry.shape), " has ",
                                         counted(entry.count(), "elements"), ", requested: ", asked_for));
  }
  /// Throws BadFile unless the tensor has `asked_for` bytes.
  void require_bytes(std::size_t asked_for) const {
    if (entry.bytes() != asked_for)
      throw BadFile(file.path(), text_of('\'', escaped(name), "' has ", counted(entry.bytes(), "bytes"),
                                         ", requested: ", asked_for));
  }
  /// Throws BadFile unless the part lies within the tensor. `first` and `count` are in elements of `width` bytes.
  void require_part(std::uint64_t width, std::uint64_t first, std::uint64_t count) const {
    const std::uint64_t all = entry.bytes() / width;
    if (first > all || count > all - first)
      throw BadFile(file.path(), text_of('\'', escaped(name), "' has ", counted(all, width == 1 ? "bytes" : "elements"),
                                         ", requested: ", count, " from ", first, " on"));
  }

  /// Reads bytes from byte `first` on.
  void read(std::uint64_t first, std::span<std::byte> bytes) const {
    require_part(1, first, bytes.size());
    file.read_at(data_begin + entry.begin + first, bytes);
  }

  /// Reads elements from element `first` on. Reads in pieces: a tensor may be larger than the memory that is left
  /// beside `values`.
  template <class Real>
  void read_floats(std::uint64_t first, std::span<Real> values) const {
    if (!is_float_dtype(entry.dtype))
      throw BadFile(file.path(), text_of('\'', escaped(name), "' must be F64, F32, F16 or BF16, found ", entry.dtype));
    const std::uint64_t width = *dtype_bytes(entry.dtype);
    require_part(width, first, values.size());
    std::array<std::byte, 32768> piece;
    while (!values.empty()) {
      const std::size_t count = (std::min<std::size_t>)(values.size(), piece.size() / width);
      const auto bytes = std::span(piece).first(count * width);
      file.read_at(data_begin + entry.begin + first * width, bytes);
      if (std::is_same_v<Real, float> && entry.dtype == "F64") require_fit("F32", first, bytes);
      decode_floats(entry.dtype, bytes, values.first(count));
      values = values.subspan(count);
      first += count;
    }
  }

  /// Throws BadFile if a value in the F64 `bytes`, which begin at element `first`, exceeds the range of `dtype`.
  void require_fit(std::string_view dtype, std::uint64_t first, std::span<const std::byte> bytes) const {
    std::array<double, 4096> values;
    const auto found = std::span(values).first(bytes.size() / sizeof(double));
    decode_floats("F64", bytes, found);
    require_values_fit(dtype, first, found);
  }
  /// Throws BadFile if one of the values, which begin at element `first`, exceeds the range of `dtype`.
  void require_values_fit(std::string_view dtype, std::uint64_t first, std::span<const double> values) const {
    const std::size_t at = first_too_large(dtype, values);
    if (at == values.size()) return;
    throw BadFile(file.path(), text_of('\'', escaped(name), "' must have values of at most ",
                                       Shortest{largest_of(dtype)}, ", since it is read as ", name_of_float(dtype),
                                       ", found ", Shortest{values[at]}, " at ", place_in(entry.shape, first + at)));
  }
};

}  // namespace detail

/// A safetensors file that is read tensor by tensor.
class SafetensorsFile {
 public:
  /// Reads and checks the header; tensors stay on the disk.
  /// Limits: header 64 MiB, 1 M tensors (metadata counts as one), 16 dimensions, names of 4096 bytes, 65,536
  /// metadata entries, strings of 4 MiB. Throws BadFile, IoError.
  static SafetensorsFile open(const std::filesystem::path& path) {
    InputFile file = InputFile::open(path);
    SafetensorsHeader header = read_safetensors_header(file);
    return SafetensorsFile(std::move(file), std::move(header));
  }

  /// The path that was opened.
  const std::filesystem::path& path() const noexcept { return file_.path(); }
  /// Text by name.
  const TensorMetadata& metadata() const noexcept { return header_.metadata; }
  /// The tensors by name.
  const TensorEntries& entries() const noexcept { return header_.entries; }
  /// Throws BadFile if the file has no tensor of that name.
  const TensorEntry& entry(std::string_view name) const {
    const auto found = entries().find(name);
    if (found == entries().end())
      throw BadFile(path(), detail::text_of("must hold the tensor '", escaped(name), "', found ",
                                            counted(entries().size(), "others")));
    return found->second;
  }

  /// Copies a tensor's bytes unchanged. Throws BadFile if `bytes` has another size or the file was truncated after
  /// open(); IoError.
  void read(std::string_view name, std::span<std::byte> bytes) const {
    placed(name).require_bytes(bytes.size());
    read(name, 0, bytes);
  }
  /// Copies a part of the bytes, from byte `first` of the tensor on; the part must lie within the tensor.
  void read(std::string_view name, std::uint64_t first, std::span<std::byte> bytes) const {
    placed(name).read(first, bytes);
  }

  /// Reads F64, F32, F16 or BF16 into `values`, row-major, rounding to nearest if precision is lost. Throws BadFile for
  /// any other dtype, another count, a finite F64 beyond the range of float, or a file truncated after open(); IoError.
  void read_floats(std::string_view name, std::span<float> values) const {
    placed(name).require_count(values.size());
    read_floats(name, 0, values);
  }
  /// The same for double.
  void read_floats(std::string_view name, std::span<double> values) const {
    placed(name).require_count(values.size());
    placed(name).read_floats(0, values);
  }
  /// Reads a part of the values, from element `first` of the tensor on; the part must lie within the tensor.
  void read_floats(std::string_view name, std::uint64_t first, std::span<float> values) const {
    placed(name).read_floats(first, values);
  }

 private:
  SafetensorsFile(InputFile file, SafetensorsHeader header) : file_(std::move(file)), header_(std::move(header)) {}
  detail::PlacedTensor placed(std::string_view name) const { return {file_, header_.data_begin, name, entry(name)}; }

  InputFile file_;
  SafetensorsHeader header_;
};

}  // namespace moe::io
