/// A step of AdamW on a tensor at once and in pieces, on any backend.
#pragma once

#include <cstring>
#include <vector>

#include "support/random_tensors.hpp"

namespace moe::testing {

/// Weights, moments and lower halves after one step on a tensor in pieces of `piece` values, with stochastic rounding
/// where the representation has it.
template <class B, MasterWeights master, class Weight, class Moment>
std::vector<float> stepped_in_pieces(const typename B::Context& context, Index piece) {
  constexpr Index size = 1003;
  Draw draw("adamw in pieces");
  const auto drawn = [&]<class Value>(Value, bool is_square) {
    const auto values = random_matrix<float, Cpu<>>(draw, 1, size);
    std::vector<Value> converted;
    for (Index i = 0; i < size; ++i) {
      const float value = values.data()[i];
      converted.push_back(static_cast<Value>(is_square ? value * value : value));
    }
    auto there = Matrix<Value, B>::uninitialized(context, 1, size);
    B::upload(context, converted.data(), there.view());
    return there;
  };
  auto w = drawn(Weight(), false);
  auto m = drawn(Moment(), false), v = drawn(Moment(), true);
  const auto g = drawn(float(), false);
  auto lower = Matrix<std::uint16_t, B>::zeros(context, 1, size);
  const AdamWScalars<float> pace{0.5f, 0.9f, 0.95f, 0.1f, 0.05f, 1e-2f, 1.3f, 1e-8f, 0.999f};
  const RandomKey key{.seed = 3, .step = 2, .layer = 1};
  for (Index first = 0; first < size; first += piece)
    B::template adamw<master>(context, (std::min)(piece, size - first), pace, key, first, g.data() + first,
                              w.data() + first, lower.data() + first, m.data() + first, v.data() + first);
  std::vector<float> all;
  const auto add = [&]<class Value>(const Matrix<Value, B>& from) {
    std::vector<Value> values(static_cast<std::size_t>(size));
    B::download(context, from.const_view(), values.data());
    for (const Value value : values) all.push_back(static_cast<float>(value));
  };
  add(w), add(m), add(v), add(lower);
  return all;
}

template <class B, MasterWeights master, class Weight, class Moment>
void check_adamw_pieces(const typename B::Context& context) {
  const auto whole = stepped_in_pieces<B, master, Weight, Moment>(context, 1003);
  for (const Index piece : {64, 192, 960}) {
    INFO("pieces of " << piece);
    CHECK((stepped_in_pieces<B, master, Weight, Moment>(context, piece) == whole));
  }
}

/// A step in pieces has the bits of a step at once, for every representation that draws random numbers and for one that
/// does not.
template <class B>
void check_every_adamw_in_pieces(const typename B::Context& context) {
  check_adamw_pieces<B, MasterWeights::float32, float, BFloat16>(context);
  check_adamw_pieces<B, MasterWeights::bfloat16, float, float>(context);
  check_adamw_pieces<B, MasterWeights::bfloat16, BFloat16, BFloat16>(context);
  check_adamw_pieces<B, MasterWeights::split, BFloat16, BFloat16>(context);
  check_adamw_pieces<B, MasterWeights::float32, float, float>(context);
}

}  // namespace moe::testing
