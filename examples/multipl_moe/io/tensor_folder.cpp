#include "multipl_moe/io/tensor_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/safetensors_header.hpp"
#include "multipl_moe/io/tensor_index.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

/// Maximum number of open files: each one uses a descriptor, and the largest models have hundreds of files.
constexpr std::size_t most_open = 16;

std::string single_name(std::string_view stem) { return fmt::format("{}.safetensors", stem); }
std::string index_name(std::string_view stem) { return fmt::format("{}.safetensors.index.json", stem); }

}  // namespace

InputFile TensorFolder::opened(const fs::path& path) const {
  require_model_file(folder_, path);
  return InputFile::open(path);
}

bool TensorFolder::is_in(const fs::path& folder, std::string_view stem) {
  return is_there(folder / single_name(stem)) || is_there(folder / index_name(stem));
}

TensorFolder TensorFolder::open(const fs::path& folder, std::string_view stem) {
  TensorFolder result(folder);
  result.path_ = folder / single_name(stem);
  const fs::path index = folder / index_name(stem);
  if (is_there(result.path_)) {
    result.add(single_name(stem));
  } else if (is_there(index)) {
    result.path_ = index;
    result.check_against_index();
  } else {
    throw BadFile(folder, fmt::format("must hold {} or {}, found neither", single_name(stem), index_name(stem)));
  }
  return result;
}

void TensorFolder::add(const std::string& name) {
  auto file = std::make_shared<const InputFile>(opened(folder_ / name));
  SafetensorsHeader header = read_safetensors_header(*file);
  const std::size_t shard = shards_.size();
  shards_.push_back({folder_ / name, header.data_begin, file->size()});
  while (!header.entries.empty()) {
    auto entry = header.entries.extract(header.entries.begin());
    const auto [place, is_new] = tensors_.try_emplace(std::move(entry.key()));
    if (!is_new)
      throw BadFile(shards_.back().path,
                    fmt::format("a tensor must be in one file, found '{}' in {} too", escaped(place->first),
                                escaped(shards_[place->second.shard].path.filename().native())));
    static_cast<TensorEntry&>(place->second) = std::move(entry.mapped());
    place->second.shard = shard;
  }
  if (open_->files.size() < most_open) open_->files.emplace_back(shard, std::move(file));
}

void TensorFolder::check_against_index() {
  require_model_file(folder_, path_);
  const TensorIndex index = read_tensor_index(path_);
  for (const std::string& shard : index.shards) add(shard);
  std::uint64_t total = 0, unlisted = 0;
  for (const auto& [name, tensor] : tensors_) {
    const auto listed = index.shard_of.find(name);
    total += tensor.bytes();
    if (listed == index.shard_of.end()) unlisted += tensor.bytes();
    if (listed != index.shard_of.end() && listed->second == tensor.shard) continue;
    misplaced_.push_back(fmt::format(
        "'{}' is in {}, the index {}", escaped(name), escaped(shards_[tensor.shard].path.filename().native()),
        listed == index.shard_of.end() ? "does not list it" : "has it in " + escaped(index.shards[listed->second])));
  }
  for (const auto& [name, shard] : index.shard_of)
    if (!contains(name))
      throw BadFile(path_, fmt::format("lists '{}' in {}, which has no such tensor", escaped(name),
                                       escaped(index.shards[shard])));
  // An index that does not list a tensor may not include it in total_size either.
  if (index.total_size && *index.total_size != total && *index.total_size != total - unlisted)
    throw BadFile(path_, fmt::format("metadata.total_size must be the {} of all tensors, found {}",
                                     counted(total, "bytes"), *index.total_size));
}

const FolderTensor& TensorFolder::entry(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw BadFile(
        path_, fmt::format("must hold the tensor '{}', found {}", escaped(name), counted(tensors_.size(), "others")));
  return found->second;
}

const fs::path& TensorFolder::path_of(std::string_view name) const { return shards_[entry(name).shard].path; }

std::vector<fs::path> TensorFolder::files() const {
  std::vector<fs::path> paths;
  for (const Shard& shard : shards_) paths.push_back(shard.path);
  return paths;
}

std::shared_ptr<const InputFile> TensorFolder::file(std::size_t shard) const {
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
    throw BadFile(shards_[shard].path, fmt::format("must have {} as when its header was read, found {}",
                                                   counted(shards_[shard].size, "bytes"), file->size()));
  if (files.size() >= most_open) files.erase(files.begin());
  files.emplace_back(shard, file);
  return file;
}

void TensorFolder::read(std::string_view name, std::span<std::byte> bytes) const {
  const FolderTensor& tensor = entry(name);
  if (tensor.bytes() != bytes.size())
    throw BadFile(path_of(name), fmt::format("'{}' has {}, requested: {}", escaped(name),
                                             counted(tensor.bytes(), "bytes"), bytes.size()));
  read(name, 0, bytes);
}

void TensorFolder::read(std::string_view name, std::uint64_t first, std::span<std::byte> bytes) const {
  const FolderTensor& tensor = entry(name);
  read_tensor_bytes(*file(tensor.shard), shards_[tensor.shard].data_begin, name, tensor, first, bytes);
}

void TensorFolder::read_floats(std::string_view name, std::span<float> values) const {
  require_count(path_of(name), name, entry(name), values.size());
  read_floats(name, 0, values);
}

void TensorFolder::read_floats(std::string_view name, std::uint64_t first, std::span<float> values) const {
  const FolderTensor& tensor = entry(name);
  read_tensor_floats(*file(tensor.shard), shards_[tensor.shard].data_begin, name, tensor, first, values);
}

}  // namespace multipl_moe
