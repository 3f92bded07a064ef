/// Checks that every fusion that scales gates must pass.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace moe::testing {

/// Masses of 40 rows; row 0 has mass 0, as a row without a segment expert has.
inline Tensor masses() {
  Draw draw("fusion");
  Tensor mass_1T(1, 40);
  for (Index t = 1; t < mass_1T.cols(); ++t) mass_1T.data()[t] = 2 * draw.uniform();
  return mass_1T;
}

/// Checks the gradients with respect to mass and weights, and returns the scales.
template <class F>
Tensor check_gate_fusion(F& fusion) {
  using B = Cpu<>;
  const CpuContext context{.threads = 2};
  Draw draw("fusion's gradient");
  auto mass_1T = masses();
  const auto c_T2 = random_matrix<double, B>(draw, mass_1T.cols(), 2);
  const auto run = [&] { return fusion.template scales<double, B>(context, mass_1T.const_view()); };
  const auto loss = [&] { return inner(c_T2, run()); };
  const auto scale_T2 = run();
  F gradient = gradient_for(fusion);
  auto d_mass_1T =
      fusion.template scales_backward<double, B>(context, mass_1T.const_view(), scale_T2.view(), c_T2.view(), gradient);
  // Empty means that no scale depends on the mass.
  if (d_mass_1T.empty()) d_mass_1T = Tensor(1, mass_1T.cols());
  check_component_gradients("mass", mass_1T, d_mass_1T, loss, component_bar);
  for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& d_weight) {
        check_component_gradients(name, weight, d_weight, loss, component_bar);
      },
      fusion, gradient);
  F frozen = fusion.empty_tree();
  fusion.template scales_backward<double, B>(context, mass_1T.const_view(), scale_T2.view(), c_T2.view(), frozen);
  for_each_parameter([](const std::string&, const auto& d_weight) { CHECK(d_weight.empty()); }, frozen);
  return run();
}

}  // namespace moe::testing
