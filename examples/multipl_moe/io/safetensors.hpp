/// The safetensors format: 8 bytes N (little-endian), N bytes of JSON, then the tensors' bytes. The reader trusts
/// nothing in a file: any bytes give a value or a BadFile that names the offset and the rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

/// One tensor of a file. `begin` and `end` count bytes from the end of the header.
struct TensorEntry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  std::uint64_t bytes() const { return end - begin; }
  /// Elements: the product of `shape`, 1 if it is empty.
  std::int64_t count() const;
};

using TensorEntries = std::map<std::string, TensorEntry, std::less<>>;
using TensorMetadata = std::map<std::string, std::string, std::less<>>;

class SafetensorsFile {
 public:
  /// Reads and checks the header; tensors stay on the disk.
  /// Limits: header 64 MiB, 1 M tensors (metadata counts as one), 16 dimensions, names of 4096 bytes, 65,536
  /// metadata entries, strings of 4 MiB. Throws BadFile, IoError.
  static SafetensorsFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return file_.path(); }
  const TensorMetadata& metadata() const noexcept { return metadata_; }
  const TensorEntries& entries() const noexcept { return entries_; }
  /// Throws BadFile if the file has no tensor of that name.
  const TensorEntry& entry(std::string_view name) const;

  /// Copies a tensor's bytes unchanged. Throws BadFile if `bytes` has another size or the file was truncated after
  /// open(); IoError.
  void read(std::string_view name, std::span<std::byte> bytes) const;
  /// Copies a part of the bytes, from byte `first` of the tensor on; the part must lie within the tensor.
  void read(std::string_view name, std::uint64_t first, std::span<std::byte> bytes) const;

  /// Reads F64, F32, F16 or BF16 into `values`, row-major, rounding to nearest if precision is lost. Throws BadFile for
  /// any other dtype, another count, a finite F64 beyond the range of float, or a file truncated after open(); IoError.
  void read_floats(std::string_view name, std::span<float> values) const;
  void read_floats(std::string_view name, std::span<double> values) const;
  /// Reads a part of the values, from element `first` of the tensor on; the part must lie within the tensor.
  void read_floats(std::string_view name, std::uint64_t first, std::span<float> values) const;

 private:
  SafetensorsFile(InputFile file, std::uint64_t data_begin, TensorMetadata metadata, TensorEntries entries);

  InputFile file_;
  std::uint64_t data_begin_;
  TensorMetadata metadata_;
  TensorEntries entries_;
};

/// Shared by SafetensorsFile and TensorFolder: reads a part of `tensor`, from byte or element `first` on. The data of
/// its file begin at `data_begin`. Throws as SafetensorsFile.
void read_tensor_bytes(const InputFile& file, std::uint64_t data_begin, std::string_view name,
                       const TensorEntry& tensor, std::uint64_t first, std::span<std::byte> bytes);
void read_tensor_floats(const InputFile& file, std::uint64_t data_begin, std::string_view name,
                        const TensorEntry& tensor, std::uint64_t first, std::span<float> values);
/// Throws BadFile unless the tensor has `asked_for` elements.
void require_count(const std::filesystem::path& path, std::string_view name, const TensorEntry& tensor,
                   std::size_t asked_for);

/// A tensor to be written; `bytes` row-major and little-endian.
struct TensorView {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes `tensors` in the given order; the tensors' bytes begin at a multiple of 8. Equal arguments give bitwise
/// identical files. Not atomic: see save_folder_atomically(). Throws Failure if a name occurs twice or if dtype, shape
/// and bytes disagree; IoError.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const TensorMetadata& metadata = {});

}  // namespace multipl_moe
