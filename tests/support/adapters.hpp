/// LoRA adapters for tests: random ones with both factors nonzero, the check of their padding, and their copies for the
/// reference.
#pragma once

#include <string>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "support/random_tensors.hpp"
#include "support/reference_lora.hpp"

namespace moe::testing {

template <class Value>
reference::Rows rows_of_matrix(const Matrix<Value, Cpu<>>& m) {
  reference::Rows result;
  for (Index r = 0; r < m.rows(); ++r) result.emplace_back(m.view().row(r).begin(), m.view().row(r).end());
  return result;
}

/// Randomizes both factors of an adapter; rows and columns beyond its rank stay 0.
template <class Value>
void randomize_adapter(Draw& draw, LoraAdapter<Value, Cpu<>>& adapter, double deviation = 1) {
  fill_normal(draw, adapter.lora_A.view().rows_between(0, adapter.rank()), deviation);
  fill_normal(draw, adapter.lora_B.view().cols_between(0, adapter.rank()), deviation);
}

/// Randomizes every weight of an FFN with adapters.
template <class R, class Value>
void randomize_adapted(Draw& draw, LoraFfn<R, Value, Cpu<>>& layer, double deviation = 0.5) {
  randomize(draw, layer.base, deviation);
  for (auto* bank : {&layer.gate_proj, &layer.up_proj, &layer.down_proj})
    for (auto& adapter : bank->adapters) randomize_adapter(draw, adapter, deviation);
}

/// The adapter without its padding.
template <class Value>
reference::Adapter reference_of(const LoraAdapter<Value, Cpu<>>& adapter) {
  reference::Adapter result{rows_of_matrix(adapter.lora_A), rows_of_matrix(adapter.lora_B), adapter.size.scale};
  result.a.resize(static_cast<std::size_t>(adapter.rank()));
  for (auto& row : result.b) row.resize(static_cast<std::size_t>(adapter.rank()));
  return result;
}
template <class Value>
std::vector<reference::Adapter> reference_of(const AdapterBank<Value, Cpu<>>& bank) {
  std::vector<reference::Adapter> result;
  for (const auto& adapter : bank.adapters) result.push_back(reference_of(adapter));
  return result;
}
template <class R, class Value>
reference::AdaptedFfn reference_of(const LoraFfn<R, Value, Cpu<>>& layer) {
  return {
      {rows_of_matrix(layer.base.gate_proj), rows_of_matrix(layer.base.up_proj), rows_of_matrix(layer.base.down_proj)},
      reference_of(layer.gate_proj),
      reference_of(layer.up_proj),
      reference_of(layer.down_proj)};
}

/// Returns whether the rows of A and the columns of B beyond the rank are all 0.
template <class Value>
bool filling_is_zero(const LoraAdapter<Value, Cpu<>>& adapter) {
  for (Index r = adapter.rank(); r < adapter.lora_A.rows(); ++r)
    for (Index i = 0; i < adapter.in(); ++i)
      if (adapter.lora_A.view()(r, i) != Value(0)) return false;
  for (Index o = 0; o < adapter.out(); ++o)
    for (Index r = adapter.rank(); r < adapter.lora_B.cols(); ++r)
      if (adapter.lora_B.view()(o, r) != Value(0)) return false;
  return true;
}

}  // namespace moe::testing
