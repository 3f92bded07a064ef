/// A model's tensors, in one safetensors file or in several that an index lists.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

/// A tensor, and which of the folder's files holds it.
struct FolderTensor : TensorEntry {
  std::size_t shard = 0;
};

using FolderTensors = std::map<std::string, FolderTensor, std::less<>>;

/// Keeps the headers in memory and a few files open; tensors stay on the disk. Files outside the folder are only read
/// in Hugging Face's cache: links in `snapshots/<revision>` to files directly in the `blobs` beside `snapshots`.
/// Reading is safe from several threads.
class TensorFolder {
 public:
  /// Opens `<stem>.safetensors` or, if it does not exist, the files of `<stem>.safetensors.index.json`. Throws BadFile
  /// if neither exists, if a file is not a regular file inside `folder` or its cache (another link out of it, a FIFO),
  /// if a header violates a rule of SafetensorsFile::open(), or if files and index disagree: a listed tensor is absent,
  /// a tensor is in two files, or total_size differs. A tensor that the index does not list, or lists in another of its
  /// files, is read from the file that holds it, see misplaced(). Throws IoError.
  static TensorFolder open(const std::filesystem::path& folder, std::string_view stem = "model");
  /// Whether either file of open() exists; its contents are not checked.
  static bool is_in(const std::filesystem::path& folder, std::string_view stem = "model");

  /// The single file, or the index.
  const std::filesystem::path& path() const noexcept { return path_; }
  const FolderTensors& tensors() const noexcept { return tensors_; }
  bool contains(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  /// Throws BadFile if no file has a tensor of that name.
  const FolderTensor& entry(std::string_view name) const;
  /// The file that holds a tensor. Throws as entry().
  const std::filesystem::path& path_of(std::string_view name) const;
  /// Descriptions of the tensors that the index does not list or lists in another file. Other programs load them too.
  const std::vector<std::string>& misplaced() const noexcept { return misplaced_; }
  /// The files that hold tensors.
  std::vector<std::filesystem::path> files() const;

  /// As the members of SafetensorsFile: read whole tensors or parts of them. Throw BadFile also if the length of a file
  /// has changed since it was opened.
  void read(std::string_view name, std::span<std::byte> bytes) const;
  void read(std::string_view name, std::uint64_t first, std::span<std::byte> bytes) const;
  void read_floats(std::string_view name, std::span<float> values) const;
  void read_floats(std::string_view name, std::uint64_t first, std::span<float> values) const;

 private:
  struct Shard {
    std::filesystem::path path;
    std::uint64_t data_begin = 0;
    std::uint64_t size = 0;
  };
  /// The open files, the most recently used one last.
  struct OpenFiles {
    std::mutex mutex;
    std::vector<std::pair<std::size_t, std::shared_ptr<const InputFile>>> files;
  };

  explicit TensorFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Reads the header of a file and adds its tensors.
  void add(const std::string& name);
  void check_against_index();
  InputFile opened(const std::filesystem::path& path) const;
  std::shared_ptr<const InputFile> file(std::size_t shard) const;

  std::filesystem::path folder_, path_;
  std::vector<Shard> shards_;
  FolderTensors tensors_;
  std::vector<std::string> misplaced_;
  std::unique_ptr<OpenFiles> open_ = std::make_unique<OpenFiles>();
};

}  // namespace multipl_moe
