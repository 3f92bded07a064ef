// A model's tensors, in one safetensors file or in several that an index lists.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/safetensors/atomic_file.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"
#include "moe/safetensors/file_mapping.hpp"
#include "moe/safetensors/header.hpp"
#include "moe/safetensors/own_file.hpp"
#include "moe/safetensors/reader.hpp"
#include "moe/safetensors/tensor_entry.hpp"
#include "moe/safetensors/tensor_index.hpp"

namespace moe::io {

/// A tensor, and which of the folder's files holds it.
struct FolderTensor : TensorEntry {
  /// The number of the file.
  std::size_t shard = 0;
};

/// The tensors of a folder by name.
using FolderTensors = std::map<std::string, FolderTensor, std::less<>>;

/// Keeps the headers in memory and a few files open; tensors stay on the disk. Files outside the folder are only read
/// if the PathCheck accepts them; own_files_only() does in Hugging Face's cache: links in `snapshots/<revision>` to
/// files directly in the `blobs` beside `snapshots`. Reading is safe from several threads.
class TensorFolder {
 public:
  /// Opens `<stem>.safetensors` or, if it does not exist, the files of `<stem>.safetensors.index.json`. Throws BadFile
  /// if neither exists, if `check` refuses a file or it is not a regular file (a FIFO), if a header violates a rule of
  /// SafetensorsFile::open(), or if files and index disagree: a listed tensor is absent, a tensor is in two files, or
  /// total_size differs. A tensor that the index does not list, or lists in another of its files, is read from the file
  /// that holds it, see misplaced(). Throws IoError.
  static TensorFolder open(const std::filesystem::path& folder, std::string_view stem = "model",
                           PathCheck check = own_files_only()) {
    const std::filesystem::path single = folder / single_name(stem), index = folder / index_name(stem);
    if (is_there(single)) return open_file(single, std::move(check));
    if (is_there(index)) return open_index(index, std::move(check));
    throw BadFile(folder,
                  detail::text_of("must hold ", single_name(stem), " or ", index_name(stem), ", found neither"));
  }
  /// Opens one safetensors file. Throws as open().
  static TensorFolder open_file(const std::filesystem::path& file, PathCheck check = {}) {
    TensorFolder result(file, std::move(check));
    result.add(file.filename().native());
    return result;
  }
  /// Opens the files of an index. Throws as open().
  static TensorFolder open_index(const std::filesystem::path& index, PathCheck check = own_files_only()) {
    TensorFolder result(index, std::move(check));
    result.check_against_index();
    return result;
  }
  /// Whether either file of open() exists; its contents are not checked.
  static bool is_in(const std::filesystem::path& folder, std::string_view stem = "model") {
    return is_there(folder / single_name(stem)) || is_there(folder / index_name(stem));
  }

  /// The single file, or the index.
  const std::filesystem::path& path() const noexcept { return path_; }
  /// The tensors by name.
  const FolderTensors& tensors() const noexcept { return tensors_; }
  /// Whether a file has a tensor of that name.
  bool contains(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  /// Throws BadFile if no file has a tensor of that name.
  const FolderTensor& entry(std::string_view name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end())
      throw BadFile(path_, detail::text_of("must hold the tensor '", escaped(name), "', found ",
                                           counted(tensors_.size(), "others")));
    return found->second;
  }
  /// The file that holds a tensor. Throws as entry().
  const std::filesystem::path& path_of(std::string_view name) const { return shards_[entry(name).shard].path; }
  /// Descriptions of the tensors that the index does not list or lists in another file. Other programs load them too.
  const std::vector<std::string>& misplaced() const noexcept { return misplaced_; }
  /// The files that hold tensors.
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> paths;
    for (const Shard& shard : shards_) paths.push_back(shard.path);
    return paths;
  }

  /// As SafetensorsFile::read() of a whole tensor. Throws BadFile also if the length of a file has changed since it was
  /// opened.
  void read(std::string_view name, std::span<std::byte> bytes) const {
    const Held held = hold(name);
    held.tensor.require_bytes(bytes.size());
    held.tensor.read(0, bytes);
  }
  /// The same for a part, from byte `first` on.
  void read(std::string_view name, std::uint64_t first, std::span<std::byte> bytes) const {
    hold(name).tensor.read(first, bytes);
  }
  /// As SafetensorsFile::read_floats() of a whole tensor. Throws as read().
  void read_floats(std::string_view name, std::span<float> values) const { read_all_floats(name, values); }
  /// The same for double.
  void read_floats(std::string_view name, std::span<double> values) const { read_all_floats(name, values); }
  /// The same for a part, from element `first` on.
  void read_floats(std::string_view name, std::uint64_t first, std::span<float> values) const {
    hold(name).tensor.read_floats(first, values);
  }
  /// The same for double.
  void read_floats(std::string_view name, std::uint64_t first, std::span<double> values) const {
    hold(name).tensor.read_floats(first, values);
  }
  /// A file, mapped: number `shard` of files(). Throws as read(), std::bad_alloc.
  FileMapping map(std::size_t shard) const { return FileMapping::map(*file(shard)); }
  /// The position of a tensor's first byte in its file. Throws as entry().
  std::uint64_t position_of(std::string_view name) const {
    const FolderTensor& tensor = entry(name);
    return shards_[tensor.shard].data_begin + tensor.begin;
  }
  /// Throws BadFile if a finite value of the tensor would become infinite in the float dtype `dtype`. Reads the tensor
  /// only if its own dtype has a larger range.
  void require_range(std::string_view name, std::string_view dtype) const {
    const Held held = hold(name);
    const std::string_view own = held.tensor.entry.dtype;
    if (largest_of(own) <= largest_of(dtype)) return;
    std::vector<double> values(4096);
    const auto all = static_cast<std::uint64_t>(held.tensor.entry.count());
    for (std::uint64_t first = 0; first < all; first += values.size()) {
      values.resize((std::min<std::uint64_t>)(values.size(), all - first));
      held.tensor.read_floats(first, std::span(values));
      held.tensor.require_values_fit(dtype, first, values);
    }
  }

 private:
  struct Shard {
    std::filesystem::path path;
    std::uint64_t data_begin = 0;
    std::uint64_t size = 0;
  };
  /// A tensor with its open file.
  struct Held {
    std::shared_ptr<const InputFile> file;
    detail::PlacedTensor tensor;
  };
  /// The open files, the most recently used one last.
  struct OpenFiles {
    std::mutex mutex;
    std::vector<std::pair<std::size_t, std::shared_ptr<const InputFile>>> files;
  };
  /// Maximum number of open files: each one uses a descriptor, and the largest models have hundreds of files.
  static constexpr std::size_t most_open = 16;

  static std::string single_name(std::string_view stem) { return std::string(stem) + ".safetensors"; }
  static std::string index_name(std::string_view stem) { return std::string(stem) + ".safetensors.index.json"; }

  TensorFolder(std::filesystem::path path, PathCheck check)
      : folder_(parent_of(path)), path_(std::move(path)), check_(std::move(check)) {}

  /// Throws BadFile if the path check refuses a file.
  void check(const std::filesystem::path& path) const {
    if (check_) check_(folder_, path);
  }
  InputFile opened(const std::filesystem::path& path) const {
    check(path);
    return InputFile::open(path);
  }

  /// Reads the header of a file and adds its tensors.
  void add(const std::string& name) {
    const std::filesystem::path path = path_.parent_path() / name;
    auto file = std::make_shared<const InputFile>(opened(path));
    SafetensorsHeader header = read_safetensors_header(*file);
    const std::size_t shard = shards_.size();
    shards_.push_back({path, header.data_begin, file->size()});
    while (!header.entries.empty()) {
      auto entry = header.entries.extract(header.entries.begin());
      const auto [place, is_new] = tensors_.try_emplace(std::move(entry.key()));
      if (!is_new)
        throw BadFile(shards_.back().path,
                      detail::text_of("a tensor must be in one file, found '", escaped(place->first), "' in ",
                                      escaped(shards_[place->second.shard].path.filename().native()), " too"));
      static_cast<TensorEntry&>(place->second) = std::move(entry.mapped());
      place->second.shard = shard;
    }
    if (open_->files.size() < most_open) open_->files.emplace_back(shard, std::move(file));
  }

  void check_against_index() {
    check(path_);
    const TensorIndex index = read_tensor_index(path_);
    for (const std::string& shard : index.shards) add(shard);
    std::uint64_t total = 0, unlisted = 0;
    for (const auto& [name, tensor] : tensors_) {
      const auto listed = index.shard_of.find(name);
      total += tensor.bytes();
      if (listed == index.shard_of.end()) unlisted += tensor.bytes();
      if (listed != index.shard_of.end() && listed->second == tensor.shard) continue;
      misplaced_.push_back(detail::text_of(
          '\'', escaped(name), "' is in ", escaped(shards_[tensor.shard].path.filename().native()), ", the index ",
          listed == index.shard_of.end() ? "does not list it" : "has it in " + escaped(index.shards[listed->second])));
    }
    for (const auto& [name, shard] : index.shard_of)
      if (!contains(name))
        throw BadFile(path_, detail::text_of("lists '", escaped(name), "' in ", escaped(index.shards[shard]),
                                             ", which has no such tensor"));
    // An index that does not list a tensor may not include it in total_size either.
    if (index.total_size && *index.total_size != total && *index.total_size != total - unlisted)
      throw BadFile(path_, detail::text_of("metadata.total_size must be the ", counted(total, "bytes"),
                                           " of all tensors, found ", *index.total_size));
  }

  template <class Real>
  void read_all_floats(std::string_view name, std::span<Real> values) const {
    const Held held = hold(name);
    held.tensor.require_count(values.size());
    held.tensor.read_floats(0, values);
  }

  Held hold(std::string_view name) const {
    const FolderTensor& tensor = entry(name);
    auto held = file(tensor.shard);
    const InputFile& input = *held;
    return {std::move(held), {input, shards_[tensor.shard].data_begin, name, tensor}};
  }

  std::shared_ptr<const InputFile> file(std::size_t shard) const {
    const std::lock_guard lock(open_->mutex);
    auto& files = open_->files;
    const auto found =
        std::find_if(files.begin(), files.end(), [shard](const auto& file) { return file.first == shard; });
    if (found != files.end()) {
      std::rotate(found, found + 1, files.end());
      return files.back().second;
    }
    auto file = std::make_shared<const InputFile>(opened(shards_[shard].path));
    if (file->size() != shards_[shard].size)
      throw BadFile(shards_[shard].path, detail::text_of("must have ", counted(shards_[shard].size, "bytes"),
                                                         " as when its header was read, found ", file->size()));
    if (files.size() >= most_open) files.erase(files.begin());
    files.emplace_back(shard, file);
    return file;
  }

  std::filesystem::path folder_, path_;
  PathCheck check_;
  std::vector<Shard> shards_;
  FolderTensors tensors_;
  std::vector<std::string> misplaced_;
  std::unique_ptr<OpenFiles> open_ = std::make_unique<OpenFiles>();
};

}  // namespace moe::io
