/// A tensor index, alone and in a folder with two files of tensors, a FIFO and a link to a file outside the folder.
#include "multipl_moe/io/safetensors.hpp"

#include <sys/stat.h>

#include <cstddef>
#include <set>
#include <string>

#include "fuzz/memory_file.hpp"
#include "fuzz/target.hpp"
#include "multipl_moe/io/scratch.hpp"

namespace multipl_moe::fuzz {

namespace {

class Folder {
 public:
  Folder() {
    const std::vector<std::byte> data(8);
    const auto bytes = [&data](std::size_t count) { return std::span(data).first(count); };
    std::filesystem::create_directory(scratch_ / "model");
    write_safetensors(path() / "first.safetensors", std::vector<TensorView>{{"a", "F32", {1}, bytes(4)}});
    write_safetensors(path() / "second.safetensors",
                      std::vector<TensorView>{{"b", "U8", {1}, bytes(1)}, {"c", "F16", {2}, bytes(4)}});
    write_safetensors(scratch_ / "outside.safetensors", std::vector<TensorView>{{"d", "F32", {1}, bytes(4)}});
    std::filesystem::create_symlink("../outside.safetensors", path() / "link.safetensors");
    if (::mkfifo((path() / "pipe.safetensors").c_str(), 0600) != 0) throw std::runtime_error("cannot create a FIFO");
  }
  std::filesystem::path path() const { return scratch_ / "model"; }

 private:
  testing::ScratchFolder scratch_{memory_folder()};
};

}  // namespace

const Registered tensor_index("tensor_index", [](std::string_view bytes) {
  static const Folder folder;
  testing::put_bytes(folder.path() / "model.safetensors.index.json", bytes);
  const auto tensors = value_or_refusal([] { return TensorFolder::open(folder.path()); });
  const auto index = value_or_refusal([&] { return moe::io::parse_tensor_index(bytes, "index.json"); });
  require(index || !tensors, "a folder opens only if its index is valid");
  if (index) {
    require(std::set(index->shards.begin(), index->shards.end()).size() == index->shards.size(), "shards are distinct");
    for (const std::string& shard : index->shards)
      require(!shard.empty() && shard.find('/') == shard.npos && shard != "..", "shards are in the folder");
    for (const auto& [name, shard] : index->shard_of) require(shard < index->shards.size(), "a tensor has a shard");
  }
  if (!tensors) return false;
  for (const auto& [name, shard] : index->shard_of)
    require(tensors->tensors().contains(name), "the folder has every tensor of the index");
  const std::set<std::string> shards(index->shards.begin(), index->shards.end());
  for (const auto& [name, tensor] : tensors->tensors()) {
    std::vector<std::byte> data(tensor.bytes());
    tensors->read(name, data);
    require(shards.contains(tensors->path_of(name).filename().native()), "every tensor is in a shard of the index");
  }
  return true;
});

}  // namespace multipl_moe::fuzz
