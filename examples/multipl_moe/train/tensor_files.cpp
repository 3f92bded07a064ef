#include "multipl_moe/train/tensor_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Calls `write` with each tensor in the writer's order.
template <class Write>
void write_in_order(ShardedWriter& writer, std::span<const TensorRef> tensors, const Write& write) {
  std::map<std::string_view, const TensorRef*> named;
  for (const TensorRef& tensor : tensors) named[tensor.name] = &tensor;
  for (const PlannedTensor& next : writer.order()) write(*named.at(next.name));
  writer.finish();
}

/// Throws BadFile unless the folder has exactly these tensors, in these shapes.
void require_exactly(const TensorFolder& folder, std::span<const TensorRef> tensors) {
  std::set<std::string_view> known;
  for (const TensorRef& tensor : tensors) {
    const TensorEntry& entry = folder.entry(tensor.name);
    if (entry.shape != tensor.shape)
      throw BadFile(folder.path_of(tensor.name),
                    fmt::format("{} must have the shape [{}] that config.json gives, found [{}]", escaped(tensor.name),
                                fmt::join(tensor.shape, ", "), fmt::join(entry.shape, ", ")));
    known.insert(tensor.name);
  }
  for (const auto& [name, tensor] : folder.tensors())
    if (!known.contains(name))
      throw BadFile(folder.path_of(name), "has a tensor that the model of config.json does not have: " + escaped(name));
}

bool is_bfloat16(const TensorRef& tensor) { return tensor.dtype == "BF16"; }

/// Values that are converted between bfloat16 and float.
class FloatBuffer {
 public:
  explicit FloatBuffer(std::size_t count) : values_(std::min(at_once, count)) {}
  /// Calls use(first, values), whose values are to be converted, for all of `count` values in order.
  template <class Use>
  void for_each_part(std::size_t count, const Use& use) {
    for (std::size_t first = 0; first < count; first += at_once)
      use(first, std::span(values_).first(std::min(at_once, count - first)));
  }

 private:
  static constexpr std::size_t at_once = std::size_t{1} << 16;
  std::vector<float> values_;
};

/// Calls use(values) with all values in order, as float.
template <class Use>
void for_each_float(const TensorRef& tensor, const Use& use) {
  FloatBuffer buffer(is_bfloat16(tensor) ? tensor.bytes / sizeof(moe::BFloat16) : 0);
  tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) {
    if (!is_bfloat16(tensor)) return use(as_floats(bytes));
    const auto narrow = as_bfloat16s(bytes);
    buffer.for_each_part(narrow.size(), [&](std::size_t first, std::span<float> values) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = moe::widened(narrow[first + i]);
      use(std::span<const float>(values));
    });
  });
}

}  // namespace

std::vector<PlannedTensor> planned_weights(std::span<const TensorRef> tensors, std::string_view dtype) {
  // Weights that a model in bfloat16 has in float would lose bits in a file of bfloat16.
  const bool keeps_floats = dtype == "BF16" && std::any_of(tensors.begin(), tensors.end(), is_bfloat16);
  std::vector<PlannedTensor> list;
  for (const TensorRef& tensor : tensors) {
    const bool is_float = tensor.is_buffer || (keeps_floats && !is_bfloat16(tensor));
    list.push_back({tensor.name, std::string(is_float ? "F32" : dtype), tensor.shape});
  }
  return list;
}
void write_weights(ShardedWriter& writer, std::span<const TensorRef> tensors) {
  write_in_order(writer, tensors, [&](const TensorRef& tensor) {
    for_each_float(tensor, [&](std::span<const float> values) { writer.write_floats(values); });
  });
}

bool read_weight(const StoredModel& model, const TensorRef& tensor) {
  FloatBuffer buffer(is_bfloat16(tensor) ? tensor.bytes / sizeof(moe::BFloat16) : 0);
  bool finite = true;
  // Pieces are checked here, since those of a GPU would have to be copied back.
  const auto read = [&](std::size_t first, std::span<float> values) {
    model.read_floats(tensor.name, tensor.shape, first, values);
    finite = finite && std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  };
  tensor.fill([&](std::size_t byte, std::span<std::byte> bytes) {
    if (!is_bfloat16(tensor)) return read(byte / sizeof(float), as_floats(bytes));
    const auto narrow = as_bfloat16s(bytes);
    buffer.for_each_part(narrow.size(), [&](std::size_t first, std::span<float> values) {
      read(byte / sizeof(moe::BFloat16) + first, values);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if ((std::bit_cast<std::uint32_t>(values[i]) & 0xffff) != 0)
          throw UsageError(fmt::format(
              "[--dtype] bfloat16 reads weights that are values of bfloat16, found {} in '{}' of {}; upcycle and "
              "export round to bfloat16 with their own --dtype bfloat16, and on the CPU --dtype float32 computes with "
              "the weights as they are",
              values[i], escaped(tensor.name),
              escaped(model.tensors().path_of(model.find(tensor.name, tensor.shape).name).native())));
        narrow[first + i] =
            moe::BFloat16::of_bits(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(values[i]) >> 16));
      }
    });
  });
  return finite;
}
void read_weights(const StoredModel& model, std::span<const TensorRef> tensors) {
  model.require_exactly(planned_weights(tensors));
  for (const TensorRef& tensor : tensors) read_weight(model, tensor);
}

std::vector<PlannedTensor> planned_state(std::span<const TensorRef> state) {
  std::vector<PlannedTensor> list;
  for (const TensorRef& tensor : state) list.push_back({tensor.name, std::string(tensor.dtype), tensor.shape});
  return list;
}
void write_state(ShardedWriter& writer, std::span<const TensorRef> state) {
  write_in_order(writer, state, [&](const TensorRef& tensor) {
    tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) { writer.write(bytes); });
  });
}
void read_state(const TensorFolder& folder, std::span<const TensorRef> state) {
  require_exactly(folder, state);
  for (const TensorRef& tensor : state) {
    const TensorEntry& entry = folder.entry(tensor.name);
    if (entry.dtype != tensor.dtype)
      throw BadFile(folder.path_of(tensor.name), fmt::format("{} must have the dtype {} of this run, found {}",
                                                             escaped(tensor.name), tensor.dtype, escaped(entry.dtype)));
  }
  for (const TensorRef& tensor : state)
    tensor.fill([&](std::size_t first, std::span<std::byte> bytes) { folder.read(tensor.name, first, bytes); });
}

}  // namespace multipl_moe
