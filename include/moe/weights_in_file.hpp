// Weights that stay in their file: a layer on the CPU multiplies with them where the system caches the file.
//
//   const auto context = moe::load_in_place("layer.safetensors", layer);
//   layer.infer(context, x_TD, batch);
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/file_mapping.hpp"
#include "moe/safetensors/layer_tensors.hpp"
#include "moe/safetensors/load.hpp"
#include "moe/safetensors/reserved_addresses.hpp"
#include "moe/safetensors/tensor_entry.hpp"
#include "moe/safetensors/tensor_folder.hpp"

namespace moe {

/// The weights of a layer, or of several, that are read in mapped safetensors files. They cost no memory of the process
/// and the layer is ready at once; a file that the system has not cached is read from the disk while the layer runs.
/// For inference alone: see place().
class WeightsInFile {
 public:
  /// Maps the files. `files` is used until the last place(). Throws BadFile if a file has changed since it was opened,
  /// IoError.
  explicit WeightsInFile(const io::TensorFolder& files) : files_(&files), placed_(std::make_shared<Placed>()) {
    for (std::size_t i = 0; i < files.files().size(); ++i)
      placed_->mappings.push_back(std::make_shared<const io::FileMapping>(files.map(i)));
  }

  /// Whether place() can take weights of Value from the tensor `name`: of Value's own dtype, or BF16 for float, at a
  /// multiple of their size. Throws BadFile if there is no such tensor.
  template <class Value>
  static bool fits(const io::TensorFolder& files, std::string_view name) {
    const std::string& dtype = files.entry(name).dtype;
    const bool is_narrow = std::is_same_v<Value, float> && dtype == "BF16";
    const std::size_t width = is_narrow ? sizeof(BFloat16) : sizeof(Value);
    return (is_narrow || dtype == io::detail::dtype_of<Value>()) && files.position_of(name) % width == 0;
  }

  /// From now on `weight` has the values of the tensor `name` from element `first` on, and no memory of its own.
  ///
  /// A float weight that is stored in BF16 is read only by products with the context(), whose results are bitwise
  /// identical to those of a float weight with these values; anything else that reads or writes it ends the process. A
  /// weight in its own dtype can be read by anything and written by nothing. Throws Error unless fits() and the tensor
  /// has that many elements.
  template <class Value, class Backend>
  void place(Matrix<Value, Backend>& weight, std::string_view name, std::uint64_t first = 0) {
    const io::FolderTensor& tensor = files_->entry(name);
    const auto count = static_cast<std::uint64_t>(weight.size()), all = static_cast<std::uint64_t>(tensor.count());
    require(fits<Value>(*files_, name), "WeightsInFile", "'", io::escaped(name), "' must be ",
            io::detail::dtype_of<Value>(), std::is_same_v<Value, float> ? " or BF16" : "",
            " at a multiple of its bytes per value, found ", tensor.dtype, " at byte ", files_->position_of(name));
    require(first <= all && count <= all - first, "WeightsInFile", "'", io::escaped(name), "' has ", all,
            " elements, requested: ", count, " from ", first, " on");
    if (count == 0) return;
    const auto& mapping = placed_->mappings[tensor.shard];
    const std::size_t width = tensor.bytes() / all;
    const std::byte* const start = mapping->bytes().data() + files_->position_of(name) + first * width;
    placed_->bytes += count * width;
    if (tensor.dtype == io::detail::dtype_of<Value>()) {
      auto* values = reinterpret_cast<Value*>(const_cast<std::byte*>(start));
      weight = Matrix<Value, Backend>::of_owner(values, weight.rows(), weight.cols(), mapping);
    } else if constexpr (std::is_same_v<Value, float>) {
      const auto name_only = std::make_shared<const io::ReservedAddresses>(count * sizeof(float));
      weight = Matrix<float, Backend>::of_owner(static_cast<float*>(name_only->start()), weight.rows(), weight.cols(),
                                                name_only);
      placed_->weights.add_rows(weight.const_view(), reinterpret_cast<const BFloat16*>(start), name_only);
    }
  }

  /// `context` with the placed weights, for every call of the layers. It and its copies keep the files mapped. place()
  /// must not be called while a layer runs. Throws Error if the context already has weights of other layers.
  template <class Context>
  Context context(const Context& context) const {
    require(context.packed == nullptr, "WeightsInFile", "the context must have no weights yet, found one with ",
            context.packed ? context.packed->count() : 0,
            " packed or from files; place() the weights of all layers before context()");
    Context with = context;
    with.packed = std::shared_ptr<const cpu::PackedWeights>(placed_, &placed_->weights);
    return with;
  }

  /// Bytes of the placed weights in the files.
  std::uint64_t bytes() const { return placed_->bytes; }
  /// The mapped files, in the order of TensorFolder::files().
  const std::vector<std::shared_ptr<const io::FileMapping>>& mappings() const { return placed_->mappings; }

 private:
  struct Placed {
    std::vector<std::shared_ptr<const io::FileMapping>> mappings;
    cpu::PackedWeights weights;
    std::uint64_t bytes = 0;
  };
  const io::TensorFolder* files_;
  std::shared_ptr<Placed> placed_;
};

/// What load_in_place() leaves in the file.
struct InPlaceOptions : LoadOptions {
  /// Matrices of fewer values are loaded into memory.
  Index least_values = 65'536;
};

/// load() for inference without memory for the weights. Matrices stay in the file and are read there, in the file's
/// BF16 or in the layer's own type; everything else, and matrices of another dtype or of fewer values, is loaded.
/// Returns the context that every call of the layer must use: it keeps the file mapped, which must not be changed
/// meanwhile. Results are bitwise identical to those of load().
///
/// infer, forward and decoding work. backward() and pack_weights() with the returned context throw Error. Anything else
/// that reads or writes the weights ends the process: calls with another context, an optimizer, save(), and a module of
/// the user's own that reads a large matrix without a product of the backend.
///
/// For layers on Cpu<>. Throws as load(), and Error if `context` already has weights. After IoError or std::bad_alloc
/// the layer must be made again.
template <class Layer>
[[nodiscard]] typename Layer::Context load_in_place(const typename Layer::Context& context,
                                                    const std::filesystem::path& path, Layer& layer,
                                                    const InPlaceOptions& options = {}) {
  static_assert(std::is_same_v<typename Layer::Backend, Cpu<>>,
                "load_in_place() is for layers on moe::Cpu<>, whose products read weights in BF16");
  std::unique_ptr<WeightsInFile> weights;
  const io::TensorFolder files = io::detail::open_tensors(path, options);
  using Read = std::function<void(const io::TensorFolder&)>;
  const auto place_or_read = [&]<class Tensor>(const std::string& name, Tensor& tensor, bool is_buffer) -> Read {
    const auto read = [&, name](const io::TensorFolder&) { io::detail::read_into(context, files, name, tensor); };
    if constexpr (Tensor::rank == 2 && io::detail::is_float_value<typename Tensor::Value>)
      if (!is_buffer && tensor.size() >= options.least_values)
        return [&, name, read](const io::TensorFolder& all) {
          WeightsInFile::fits<typename Tensor::Value>(files, name) ? weights->place(tensor, name) : read(all);
        };
    return read;
  };
  const auto tensors = io::detail::tensors_to_load(layer, options, place_or_read);
  io::detail::require_match(files, tensors, options.ignore_unexpected);
  weights = std::make_unique<WeightsInFile>(files);
  for (const io::detail::LoadedTensor& tensor : tensors) tensor.read(files);
  return weights->context(context);
}

/// The same with a context of its own.
template <class Layer>
[[nodiscard]] typename Layer::Context load_in_place(const std::filesystem::path& path, Layer& layer,
                                                    const InPlaceOptions& options = {}) {
  return load_in_place(typename Layer::Context(), path, layer, options);
}

}  // namespace moe
