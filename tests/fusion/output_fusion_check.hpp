/// Checks that every fusion over outputs must pass.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace moe::testing {

struct Outputs {
  Tensor token, segment;
  Outputs() {
    Draw draw("outputs");
    token = random_matrix<double, Cpu<>>(draw, 40, 3);
    segment = random_matrix<double, Cpu<>>(draw, 40, 3);
  }
  template <class F>
  Tensor fused(const F& fusion) const {
    return fusion.forward({.threads = 2}, token.copy(), segment.copy()).first;
  }
};

/// Checks the gradients with respect to both outputs and every weight, and that a frozen weight gets none.
template <class F>
void check_output_fusion(F& fusion) {
  const CpuContext context{.threads = 2};
  Draw draw("fusion of outputs");
  Outputs in;
  const auto c_TD = random_matrix<double, Cpu<>>(draw, 40, 3);
  const auto loss = [&] { return inner(c_TD, in.fused(fusion)); };
  F gradient = gradient_for(fusion);
  const auto d = fusion.backward(context, c_TD.view(),
                                 fusion.forward(context, in.token.copy(), in.segment.copy()).second, gradient);
  check_component_gradients("token", in.token, d.d_token_TD, loss, component_bar);
  check_component_gradients("segment", in.segment, d.d_segment_TD, loss, component_bar);
  for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& d_weight) {
        check_component_gradients(name, weight, d_weight, loss, component_bar);
      },
      fusion, gradient);
  F frozen = fusion.empty_tree();
  const auto same =
      fusion.backward(context, c_TD.view(), fusion.forward(context, in.token.copy(), in.segment.copy()).second, frozen);
  CHECK(same_bits(same.d_token_TD, d.d_token_TD));
  CHECK(same_bits(same.d_segment_TD, d.d_segment_TD));
  for_each_parameter([](const std::string&, const auto& d_weight) { CHECK(d_weight.empty()); }, frozen);
}

}  // namespace moe::testing
