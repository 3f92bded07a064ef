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

/// Keeps the headers in memory and a few files open; tensors stay on the disk. Nothing outside the folder is read, but
/// what lies where Hugging Face's cache has it: links from `snapshots/<revision>` to files directly in the `blobs`
/// beside `snapshots`. Reading is safe from several threads.
class TensorFolder {
 public:
  /// Opens `<stem>.safetensors` or, where there is none, the files of `<stem>.safetensors.index.json`. Throws BadFile
  /// where neither is there, a file is not a regular one inside `folder` or its cache (another link out of it, a FIFO),
  /// any header breaks a rule of SafetensorsFile::open(), or files and index disagree: a tensor that is listed and
  /// absent, in two files, another total_size. A tensor that the index does not list, or lists in another of its files,
  /// is taken in from where it is, see misplaced(). Throws IoError.
  static TensorFolder open(const std::filesystem::path& folder, std::string_view stem = "model");
  /// Whether open() would find either file; says nothing of what is in it.
  static bool is_in(const std::filesystem::path& folder, std::string_view stem = "model");

  /// The single file, or the index.
  const std::filesystem::path& path() const noexcept { return path_; }
  const FolderTensors& tensors() const noexcept { return tensors_; }
  bool contains(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  /// Throws BadFile where no file has a tensor of that name.
  const FolderTensor& entry(std::string_view name) const;
  /// The file that holds a tensor. Throws as entry().
  const std::filesystem::path& path_of(std::string_view name) const;
  /// Tensors that are not where the index has them, as other programs load them too, each with what the index says.
  const std::vector<std::string>& misplaced() const noexcept { return misplaced_; }
  /// The files that hold tensors.
  std::vector<std::filesystem::path> files() const;

  /// As the members of SafetensorsFile, whole tensors and parts of them. Throw BadFile also where a file has changed
  /// its length since it was opened.
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
  /// Files that are open, the one used last at the end.
  struct OpenFiles {
    std::mutex mutex;
    std::vector<std::pair<std::size_t, std::shared_ptr<const InputFile>>> files;
  };

  explicit TensorFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Reads a file's header and takes its tensors in.
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
