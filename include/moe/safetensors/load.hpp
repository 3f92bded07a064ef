// Loads a layer's weights and buffers from safetensors files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/layer_tensors.hpp"
#include "moe/safetensors/own_file.hpp"
#include "moe/safetensors/tensor_entry.hpp"
#include "moe/safetensors/tensor_folder.hpp"

namespace moe {

/// How a layer is loaded.
struct LoadOptions {
  /// The tensors' names in the file; empty: those of the layer's walk.
  TensorNames names = {};
  /// Whether the file may have tensors that the layer has not, such as those of other layers.
  bool ignore_unexpected = false;
  /// Whether links in a folder of files may lead anywhere. Otherwise they must lead to files in that folder, or to
  /// those of Hugging Face's cache. A single file that `path` names may always be a link.
  bool allow_links = false;
};

/// The differences between a layer's tensors and those of a file, as names in the file.
struct TensorDifferences {
  /// Tensors of the layer that the file has not.
  std::vector<std::string> missing;
  /// Tensors of the file that the layer has not.
  std::vector<std::string> unexpected;
  /// Tensors whose shapes differ, each with both shapes.
  std::vector<std::string> other_shape;
  /// Tensors whose dtype cannot be converted to the layer's, each with both dtypes.
  std::vector<std::string> other_dtype;

  /// Whether there are none.
  bool empty() const { return missing.empty() && unexpected.empty() && other_shape.empty() && other_dtype.empty(); }
};

/// Thrown by load() if a file has not exactly the layer's tensors. The message lists at most a dozen names of each
/// kind.
class TensorMismatch : public BadFile {
 public:
  /// The file, or the index, and the differences.
  TensorMismatch(const std::filesystem::path& path, TensorDifferences differences)
      : BadFile(path, text_of(differences)), differences_(std::move(differences)) {}

  /// All differences.
  const TensorDifferences& differences() const noexcept { return differences_; }

 private:
  static std::string text_of(const TensorDifferences& all) {
    std::string text = "must hold exactly the layer's tensors, found ";
    const std::size_t start = text.size();
    const auto add = [&](const std::vector<std::string>& names, const char* kind) {
      constexpr std::size_t most = 12;
      if (names.empty()) return;
      text += io::detail::text_of(text.size() > start ? "; " : "", names.size(), ' ', kind, ": ");
      for (std::size_t i = 0; i < (std::min)(names.size(), most); ++i) text += (i > 0 ? ", " : "") + names[i];
      if (names.size() > most) text += io::detail::text_of(" and ", names.size() - most, " more");
    };
    add(quoted(all.missing), "missing");
    add(quoted(all.unexpected), "unexpected");
    add(all.other_shape, "of another shape");
    add(all.other_dtype, "of another dtype");
    if (!all.missing.empty() && !all.unexpected.empty())
      text += "; LoadOptions::names maps the layer's names to others";
    if (all.missing.empty() && all.other_shape.empty() && all.other_dtype.empty())
      text += "; LoadOptions::ignore_unexpected leaves them out";
    return text;
  }
  static std::vector<std::string> quoted(std::vector<std::string> names) {
    for (std::string& name : names) name = "'" + io::escaped(name) + "'";
    return names;
  }

  TensorDifferences differences_;
};

namespace io::detail {

/// The file `path`; the files of its index; those of the index that `path` names; those of the folder that it names.
inline TensorFolder open_tensors(const std::filesystem::path& path, const LoadOptions& options) {
  constexpr std::string_view index = ".index.json";
  const PathCheck check = options.allow_links ? PathCheck() : own_files_only("LoadOptions::allow_links follows it");
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) return TensorFolder::open(path, "model", check);
  if (path.native().ends_with(index)) return TensorFolder::open_index(path, check);
  const std::filesystem::path index_of_path = path.native() + std::string(index);
  if (!is_there(path) && is_there(index_of_path)) return TensorFolder::open_index(index_of_path, check);
  return TensorFolder::open_file(path);
}

/// Reads a tensor into host memory, converted to Value.
template <class Value>
void read_values(const TensorFolder& files, const std::string& name, std::span<Value> values) {
  const TensorEntry& entry = files.entry(name);
  if (entry.dtype == dtype_of<Value>()) {
    files.read(name, std::as_writable_bytes(values));
  } else if constexpr (std::same_as<Value, BFloat16>) {
    // As double, which holds every dtype's values, so that they are rounded once.
    std::vector<double> piece;
    for (std::uint64_t first = 0; first < values.size(); first += piece.size()) {
      piece.resize((std::min<std::size_t>)(values.size() - first, 4096));
      files.read_floats(name, first, std::span(piece));
      encode_floats("BF16", std::span<const double>(piece),
                    std::as_writable_bytes(values.subspan(first, piece.size())));
    }
  } else if constexpr (std::floating_point<Value>) {
    files.read_floats(name, values);
  }
}

/// Reads a tensor into a layer's tensor.
template <class Tensor>
void read_into(const typename Tensor::Backend::Context& context, const TensorFolder& files, const std::string& name,
               Tensor& tensor) {
  using Value = typename Tensor::Value;
  using Backend = typename Tensor::Backend;
  static_assert(MemoryBackend<Backend, Value>, "a backend without values, such as Shape, has nothing to save or load");
  const auto size = static_cast<std::size_t>(tensor.size());
  if (size == 0) return;
  if constexpr (Backend::is_host) {
    read_values(files, name, std::span<Value>(tensor.data(), size));
  } else {
    const auto host = std::make_unique_for_overwrite<Value[]>(size);
    read_values(files, name, std::span<Value>(host.get(), size));
    Backend::upload(context, host.get(), tensor.view());
  }
}

/// A tensor of a layer that is being loaded.
struct LoadedTensor {
  std::string name;
  std::string_view dtype;
  bool is_float;
  std::vector<std::int64_t> shape;
  std::function<void(const TensorFolder& files)> read;
  /// Whether the layer does not have this weight, and nothing is read.
  bool is_elsewhere;
};

/// The tensors of `layer` under their names in the file; reader(name, tensor, is_buffer) returns what reads one.
template <class Layer, class Reader>
std::vector<LoadedTensor> tensors_to_load(Layer& layer, const LoadOptions& options, const Reader& reader) {
  std::vector<LoadedTensor> tensors;
  for_each_stored(layer, [&](const std::string& name, auto& tensor, bool is_buffer) {
    using Value = typename std::remove_cvref_t<decltype(tensor)>::Value;
    std::string in_file = name_in_file("load", options.names, name);
    const bool is_absent = is_elsewhere(tensor, is_buffer);
    std::function<void(const TensorFolder& files)> read = [](const TensorFolder&) {};
    if (!is_absent) read = reader(in_file, tensor, is_buffer);
    tensors.push_back(
        {std::move(in_file), dtype_of<Value>(), is_float_value<Value>, shape_of(tensor), std::move(read), is_absent});
  });
  return tensors;
}

/// Throws TensorMismatch unless the files have exactly these tensors, and BadFile if a value of theirs is too large
/// for the layer.
inline void require_match(const TensorFolder& files, const std::vector<LoadedTensor>& tensors, bool ignore_unexpected) {
  TensorDifferences found;
  std::set<std::string_view> names;
  for (const LoadedTensor& tensor : tensors) {
    require(names.insert(tensor.name).second, "load", "each tensor must have a name of its own in the file, found '",
            escaped(tensor.name), "' twice");
    if (tensor.is_elsewhere) continue;
    if (!files.contains(tensor.name)) {
      found.missing.push_back(tensor.name);
      continue;
    }
    const TensorEntry& entry = files.entry(tensor.name);
    const std::string quoted = "'" + escaped(tensor.name) + "'";
    if (entry.shape != tensor.shape)
      found.other_shape.push_back(
          text_of(quoted, ' ', bracketed(entry.shape), ", the layer's is ", bracketed(tensor.shape)));
    else if (entry.dtype != tensor.dtype && !(tensor.is_float && is_float_dtype(entry.dtype)))
      found.other_dtype.push_back(text_of(quoted, ' ', entry.dtype, ", the layer's is ", tensor.dtype));
  }
  if (!ignore_unexpected)
    for (const auto& [name, tensor] : files.tensors())
      if (!names.contains(name)) found.unexpected.push_back(name);
  if (!found.empty()) throw TensorMismatch(files.path(), std::move(found));
  for (const LoadedTensor& tensor : tensors)
    if (tensor.is_float && !tensor.is_elsewhere) files.require_range(tensor.name, tensor.dtype);
}

}  // namespace io::detail

/// Loads all weights and buffers of `layer` from `path`: a safetensors file, the path of a sharded save(), an index, or
/// a folder with model.safetensors or model.safetensors.index.json. Float dtypes are converted to the layer's, rounding
/// to nearest; integers must have the layer's type. Works in place, so that weights packed before (pack_weights) must
/// be packed again, as after an optimizer's step.
///
/// A weight that is empty in the layer, as that of an expert that lives on another rank (experts/place.hpp), is not
/// read, whether the file has it or not: every rank reads its part of one file.
///
/// All names, shapes, dtypes and ranges are checked before the first value is written: after BadFile the layer is
/// unchanged unless a file shrinks while it is read. After IoError or std::bad_alloc some tensors may have been loaded.
/// Throws TensorMismatch, which lists missing, unexpected and unfitting tensors in one message; BadFile, also for a
/// finite value that would become infinite in the layer's type; IoError; Error if options.names gives two tensors the
/// same name.
template <class Layer>
void load(const typename Layer::Context& context, const std::filesystem::path& path, Layer& layer,
          const LoadOptions& options = {}) {
  const auto read = [&](const std::string& name, auto& tensor, bool /*is_buffer*/) {
    return [&context, &tensor, name](const io::TensorFolder& files) {
      io::detail::read_into(context, files, name, tensor);
    };
  };
  const auto tensors = io::detail::tensors_to_load(layer, options, read);
  const io::TensorFolder files = io::detail::open_tensors(path, options);
  io::detail::require_match(files, tensors, options.ignore_unexpected);
  for (const io::detail::LoadedTensor& tensor : tensors) tensor.read(files);
}

/// The same with a context of its own.
template <class Layer>
void load(const std::filesystem::path& path, Layer& layer, const LoadOptions& options = {}) {
  const typename Layer::Context context;
  load(context, path, layer, options);
}

}  // namespace moe
