// Saves a layer: its weights and buffers as one safetensors file, or as several with an index.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/atomic_file.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"
#include "moe/safetensors/layer_tensors.hpp"
#include "moe/safetensors/sharded_writer.hpp"
#include "moe/safetensors/tensor_entry.hpp"
#include "moe/safetensors/tensor_index.hpp"

namespace moe {

/// The dtype of the weights in a file.
enum class StoredDtype {
  same,      ///< that of the layer: F32, F64 or BF16
  float64,   ///< F64
  float32,   ///< F32
  float16,   ///< F16
  bfloat16,  ///< BF16
};

/// How a layer is saved.
struct SaveOptions {
  /// The tensors' names in the file; empty: those of the layer's walk.
  TensorNames names = {};
  /// The dtype of the weights. Values are rounded to nearest. Buffers keep their own dtype.
  StoredDtype dtype = StoredDtype::same;
  /// Maximum bytes of tensors in a file. More are written as NAME-00001-of-0000N.safetensors, with an index.
  std::uint64_t max_shard_bytes = io::default_shard_bytes;
  /// Text by name. Other programs expect the entry `format`.
  io::TensorMetadata metadata = {{"format", "pt"}};
};

namespace io::detail {

inline std::string_view name_of(StoredDtype dtype, std::string_view own) {
  constexpr std::array<std::string_view, 5> names{"", "F64", "F32", "F16", "BF16"};
  return dtype == StoredDtype::same ? own : names[static_cast<std::size_t>(dtype)];
}

/// Writes the values of one tensor, which the writer must expect next.
template <class Value>
void write_values(ShardedWriter& writer, std::string_view dtype, std::span<const Value> values) {
  if (dtype == dtype_of<Value>()) return writer.write(std::as_bytes(values));
  if constexpr (std::same_as<Value, BFloat16>) {
    std::array<float, 4096> piece;
    for (; !values.empty(); values = values.subspan((std::min)(values.size(), piece.size()))) {
      const auto part = values.first((std::min)(values.size(), piece.size()));
      std::transform(part.begin(), part.end(), piece.begin(), [](BFloat16 value) { return float(value); });
      writer.write_floats(std::span<const float>(piece).first(part.size()));
    }
  } else if constexpr (std::floating_point<Value>) {
    writer.write_floats(values);
  }
}

/// A tensor of a layer that is being saved.
struct SavedTensor {
  PlannedTensor plan;
  std::function<void(ShardedWriter& writer)> write;
};

/// A file that is split into others: the names of its parts begin with `stem`.
inline bool is_part_of(std::string_view stem, std::string_view name) {
  constexpr std::string_view pattern = "-#####-of-#####.safetensors";
  if (!name.starts_with(stem) || name.size() != stem.size() + pattern.size()) return false;
  name.remove_prefix(stem.size());
  return std::equal(name.begin(), name.end(), pattern.begin(),
                    [](char c, char p) { return p == '#' ? c >= '0' && c <= '9' : c == p; });
}

/// The files of an earlier save to the same path that a save of `made` leaves without use.
inline std::vector<std::string> files_left_by(const std::filesystem::path& folder, const std::string& stem,
                                              const std::vector<std::string>& made) {
  const std::string single = stem + ".safetensors", index = single + ".index.json";
  std::set<std::string> left{single, index};
  try {
    for (const std::string& shard : read_tensor_index(folder / index).shards)
      if (is_part_of(stem, shard)) left.insert(shard);
  } catch (const FileError&) {
    // Without a valid index it is unknown which files belong to it.
  }
  for (const std::string& name : made) left.erase(name);
  return {left.begin(), left.end()};
}

/// Frees the disk space of what is there, without an error of its own.
inline void remove_quietly(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

/// Moves the finished files of `made` to `folder`. The index is last: if the process is killed between the first
/// and the last of several files, the old index is gone and the new one is not there, so that no reader mixes them.
inline void put_in_place(const std::filesystem::path& made, const std::filesystem::path& folder,
                         const std::string& stem, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (std::error_code failed; std::filesystem::is_directory(folder / name, failed))
      throw IoError(folder / name, "replace", EISDIR);
  const std::vector<std::string> left = files_left_by(folder, stem, names);
  if (names.size() > 1 && is_there(folder / names.back())) {
    remove_tree(folder / names.back());
    sync_path(folder);
  }
  for (const std::string& name : names) {
    if (name == names.back() && names.size() > 1) sync_path(folder);
    rename_to(made / name, folder / name);
  }
  sync_path(folder);
  // The new files are complete; what cannot be removed of the old ones does no harm.
  for (const std::string& name : left) remove_quietly(folder / name);
}

/// Writes all tensors to a hidden folder beside `path` and moves the files to their place.
inline void save_tensors(const std::filesystem::path& path, std::vector<SavedTensor> tensors,
                         const SaveOptions& options) {
  constexpr std::string_view ending = ".safetensors";
  const std::string file = path.filename().native();
  require(file.size() > ending.size() && file.ends_with(ending), "save",
          "the path must end in a name and .safetensors, found ", escaped(path.native()));
  const std::string stem = file.substr(0, file.size() - ending.size());
  const std::filesystem::path folder = parent_of(path), made = partial_path(path);

  std::map<std::string, const SavedTensor*, std::less<>> by_name;
  std::vector<PlannedTensor> planned;
  for (const SavedTensor& tensor : tensors) {
    require(by_name.emplace(tensor.plan.name, &tensor).second, "save",
            "each tensor must have a name of its own in the file, found '", escaped(tensor.plan.name), "' twice");
    planned.push_back(tensor.plan);
  }
  ShardedWriter writer(made, stem, std::move(planned), options.max_shard_bytes, options.metadata);
  remove_tree(made);
  require_free_disk(path, writer.total_bytes());
  try {
    std::error_code failed;
    std::filesystem::create_directory(made, failed);
    if (failed) throw IoError(made, "create", failed.value());
    for (const PlannedTensor& next : writer.order()) by_name.at(next.name)->write(writer);
    writer.finish();
    put_in_place(made, folder, stem, writer.file_names());
  } catch (const IoError& error) {
    remove_quietly(made);
    // The hidden folder is not known to the caller.
    const bool is_folder = error.path() == made;
    if (!is_folder && error.path().parent_path() != made) throw;
    throw IoError(is_folder ? path : folder / error.path().filename(), error.action(), error.error_number(),
                  error.needed_bytes());
  } catch (...) {
    remove_quietly(made);
    throw;
  }
  remove_tree(made);
}

}  // namespace io::detail

/// Saves all weights and buffers of `layer`, under the names of for_each_parameter and for_each_buffer, to the file
/// `path`, NAME.safetensors, or, if they exceed options.max_shard_bytes, to files beside it with
/// NAME.safetensors.index.json. load() reads either from the same path. At most one tensor is copied to the host at a
/// time.
///
/// One file is saved atomically: it is written to a hidden folder beside `path`, synced, and renamed. Several files are
/// written and synced there too, and then renamed one after another: if writing fails, the previous files are
/// unchanged; if the process is killed or the system fails between the renames, a set without index is left, which
/// load() refuses. The hidden folder is removed after a failure, and one that a killed process has left by the next
/// save(). One process at a time may save to a path.
///
/// Weights that are empty, as those of experts that live on other ranks (experts/place.hpp), are left out.
///
/// Throws Error if the path has another ending or two tensors have the same name, ValueTooLarge if a finite weight
/// would become infinite in options.dtype, and IoError, for a full disk with the needed and the free bytes.
template <class Layer>
void save(const typename Layer::Context& context, const std::filesystem::path& path, const Layer& layer,
          const SaveOptions& options = {}) {
  std::vector<io::detail::SavedTensor> tensors;
  io::detail::for_each_stored(layer, [&](const std::string& name, const auto& tensor, bool is_buffer) {
    if (io::detail::is_elsewhere(tensor, is_buffer)) return;
    using Host = io::detail::HostValues<std::remove_cvref_t<decltype(tensor)>>;
    using Value = typename Host::Value;
    constexpr std::string_view own = io::detail::dtype_of<Value>();
    const bool keeps = is_buffer || !io::detail::is_float_value<Value>;
    const std::string dtype(keeps ? own : io::detail::name_of(options.dtype, own));
    tensors.push_back({{io::detail::name_in_file("save", options.names, name), dtype, io::detail::shape_of(tensor)},
                       [&context, &tensor, dtype](io::ShardedWriter& writer) {
                         io::detail::write_values(writer, dtype, Host(context, tensor).values());
                       }});
  });
  io::detail::save_tensors(path, std::move(tensors), options);
}

/// The same with a context of its own.
template <class Layer>
void save(const std::filesystem::path& path, const Layer& layer, const SaveOptions& options = {}) {
  const typename Layer::Context context;
  save(context, path, layer, options);
}

}  // namespace moe
