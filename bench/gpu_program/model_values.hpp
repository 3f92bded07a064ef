/// The values of models, on any device: copied from one to another, drawn, hashed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace gpu_program {

/// All values of a tensor in F32 or BF16.
inline std::vector<float> floats_of(const multipl_moe::TensorRef& tensor) {
  std::vector<float> values;
  tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) {
    if (tensor.dtype == "F32") {
      const auto floats = multipl_moe::as_floats(bytes);
      values.insert(values.end(), floats.begin(), floats.end());
    } else {
      for (const moe::BFloat16 value : multipl_moe::as_bfloat16s(bytes)) values.push_back(moe::widened(value));
    }
  });
  return values;
}

/// Fills a tensor in F32 or BF16 with value(i), rounded to its dtype.
template <class ValueAt>
void fill_values(const multipl_moe::TensorRef& tensor, const ValueAt& value) {
  tensor.fill([&](std::size_t first, std::span<std::byte> bytes) {
    const auto fill = [&](auto values) {
      using Number = std::remove_cvref_t<decltype(values[0])>;
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<Number>(static_cast<float>(value(first / sizeof(Number) + i)));
    };
    if (tensor.dtype == "F32")
      fill(multipl_moe::as_floats(bytes));
    else
      fill(multipl_moe::as_bfloat16s(bytes));
  });
}

/// Gives a model the values of another one with the same tensors, rounded to its own dtypes.
inline void copy_values(multipl_moe::LanguageModel& from, multipl_moe::LanguageModel& to) {
  std::map<std::string, multipl_moe::TensorRef> given;
  for (multipl_moe::TensorRef& tensor : from.tensors()) given.emplace(tensor.name, tensor);
  for (const multipl_moe::TensorRef& tensor : to.tensors()) {
    const auto values = floats_of(given.at(tensor.name));
    fill_values(tensor, [&](std::size_t i) { return values[i]; });
  }
}

/// A hash of all weights, buffers and the optimizer state.
inline std::uint64_t hash_of(multipl_moe::LanguageModel& model) {
  multipl_moe::RunningHash hash;
  for (const auto& tensors : {model.tensors(), model.optimizer_state()})
    for (const multipl_moe::TensorRef& tensor : tensors)
      tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) { hash.add(bytes); });
  return hash.value();
}

}  // namespace gpu_program
