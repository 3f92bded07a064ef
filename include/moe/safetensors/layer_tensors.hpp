// The tensors of a layer as those of a file: name, dtype, shape and values on the host.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/backend/contract/memory.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/tensor_entry.hpp"
#include "moe/safetensors/utf8.hpp"

namespace moe {

/// Maps the name of a weight or buffer in the layer's walk to its name in a file.
using TensorNames = std::function<std::string(const std::string& name)>;

namespace io::detail {

/// Values that files store as a float dtype.
template <class Value>
inline constexpr bool is_float_value = std::floating_point<Value> || std::same_as<Value, BFloat16>;

/// The dtype whose elements have the bytes of Value.
template <class Value>
constexpr std::string_view dtype_of() {
  static_assert(is_float_value<Value> || std::integral<Value>,
                "a tensor that is saved or loaded must have values of float, double, BFloat16 or an integer type");
  if constexpr (std::same_as<Value, bool>)
    return "BOOL";
  else if constexpr (std::same_as<Value, BFloat16>)
    return "BF16";
  else if constexpr (std::floating_point<Value>)
    return sizeof(Value) == 8 ? "F64" : "F32";
  else if constexpr (std::signed_integral<Value>)
    return sizeof(Value) == 8 ? "I64" : sizeof(Value) == 4 ? "I32" : sizeof(Value) == 2 ? "I16" : "I8";
  else
    return sizeof(Value) == 8 ? "U64" : sizeof(Value) == 4 ? "U32" : sizeof(Value) == 2 ? "U16" : "U8";
}

/// The shape of a tensor in a file.
template <class Tensor>
std::vector<std::int64_t> shape_of(const Tensor& tensor) {
  if constexpr (std::remove_cvref_t<Tensor>::rank == 1)
    return {tensor.cols()};
  else
    return {tensor.rows(), tensor.cols()};
}

/// The name of a layer's tensor in a file. Throws Error if a reader would refuse it.
inline std::string name_in_file(std::string_view where, const TensorNames& names, const std::string& name) {
  std::string result = names ? names(name) : name;
  bool is_text = !result.empty() && result.size() <= 4096 && result.find('\0') == std::string::npos;
  for (std::string_view rest = result; is_text && !rest.empty();) {
    const std::size_t bytes = code_point_bytes(rest);
    is_text = bytes > 0;
    rest.remove_prefix(bytes);
  }
  require(is_text, where, "the name of '", name, "' in the file must be UTF-8 of 1 to 4096 bytes without NUL, found '",
          escaped(result), "'");
  return result;
}

/// Whether the layer does not have this weight: an expert's that lives on another rank is empty.
template <class Tensor>
bool is_elsewhere(const Tensor& tensor, bool is_buffer) {
  return !is_buffer && tensor.empty();
}

/// Walks weights and then buffers: visit(name, tensor, is_buffer).
template <class Layer, class Visit>
void for_each_stored(Layer& layer, const Visit& visit) {
  using Tree = std::remove_cvref_t<Layer>;
  Tree::visit_parameters([&](const std::string& name, auto& tensor) { visit(name, tensor, false); }, std::string(),
                         layer);
  if constexpr (requires { Tree::visit_buffers([](const std::string&, auto&) {}, std::string(), layer); })
    Tree::visit_buffers([&](const std::string& name, auto& tensor) { visit(name, tensor, true); }, std::string(),
                        layer);
}

/// A tensor's values in host memory: in place on a backend of the host, otherwise a copy.
template <class Tensor>
class HostValues {
 public:
  using Value = std::remove_const_t<typename Tensor::Value>;
  using Backend = typename Tensor::Backend;
  static_assert(MemoryBackend<Backend, Value>, "a backend without values, such as Shape, has nothing to save or load");

  HostValues(const typename Backend::Context& context, const Tensor& tensor) {
    const auto size = static_cast<std::size_t>(tensor.size());
    if constexpr (Backend::is_host) {
      values_ = {tensor.data(), size};
    } else if (size > 0) {
      copy_ = std::make_unique_for_overwrite<Value[]>(size);
      Backend::download(context, tensor.const_view(), copy_.get());
      values_ = {copy_.get(), size};
    }
  }

  std::span<const Value> values() const { return values_; }

 private:
  std::unique_ptr<Value[]> copy_;
  std::span<const Value> values_;
};

}  // namespace io::detail

}  // namespace moe
