/// Compares a device's layers with the reference, and their gradients with those of the CPU. The caller moves numbers
/// to the device and back: `ask(composition, given)` returns the results of the composition of that index.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "support/conformance.hpp"
#include "support/device_run.hpp"
#include "support/gradient_check.hpp"

namespace moe::testing {

template <class Layer>
Given given_to(const Sizes& sizes, const Batch& batch, const Layer& layer,
               const Matrix<typename Layer::Value, Cpu<>>& x) {
  Given given{sizes, batch, values_of(x), Numbers(static_cast<std::size_t>(x.size())), {}, {}, {}};
  for_each_tensor([&](const auto& weight) { given.weights.push_back(values_of(weight)); }, layer);
  for_each_buffer([&](const std::string&, const auto& buffer) { given.buffers.push_back(values_of(buffer)); }, layer);
  return given;
}

/// Compares random cases of every composition with the reference. Real: the type of the reference's numbers. Held: the
/// value type on the device.
template <class Real, class Held, class Ask>
void check_compositions(std::string_view test, const Ask& ask, std::uint32_t cases) {
  int index = 0;
  for (const auto& composition : any_compositions<Real>().all()) {
    Corners corners;
    INFO("composition " << index);
    check_against_reference<Held>(
        composition, test, corners,
        [&](const Case& c, const AnyCpuLayer<Real>& layer, const Matrix<Real, Cpu<>>& x) -> Ran {
          const Answered a = ask(index, given_to(c.sizes, c.batch, layer, x));
          return {a.rows, a.cols, a.output, a.inferred, a.balance_loss, a.z_loss};
        },
        cases);
    CHECK(corners.no_rows > 0);
    CHECK(corners.one_row > 0);
    ++index;
  }
  REQUIRE(index > 0);
}

/// Compares the gradients of every composition with those of the CPU in double, which other tests compare with central
/// differences.
template <class Held, class Ask>
void check_gradients(const Ask& ask, double bar) {
  // With larger sizes, rounding errors of single values average out.
  constexpr bool is_narrow = std::is_same_v<Held, BFloat16>;
  const Sizes sizes{.width = is_narrow ? 40 : 5,
                    .hidden = is_narrow ? 56 : 7,
                    .experts = 4,
                    .k = 2,
                    .shared = 2,
                    .window = 3,
                    .capacity_factor = 1.2};
  int index = 0;
  for (const auto& composition : any_compositions<double>().all()) {
    INFO("composition " << index << ", MOE_TEST_SEED=" << seed());
    auto layer = composition.build(sizes);
    Batch batch = Batch::ragged({7, 0, 3, 40, 1});
    std::vector<std::int32_t> tokens(51);
    for (std::size_t t = 0; t < tokens.size(); ++t) tokens[t] = static_cast<std::int32_t>(t * 7 % 3);
    batch.tokens = tokens;
    auto x_TD = draw_clear(composition, layer, batch, Phase::training, Tolerance<float>::margin / 10);
    round_to<Held>(layer, x_TD);
    Draw draw("gradients of a device");
    auto d_y_TD = random_matrix<double, Cpu<>>(draw, x_TD.rows(), x_TD.cols());
    round_values<Held>(d_y_TD.view());

    Given given = given_to(sizes, batch, layer, x_TD);
    given.d_y = values_of(d_y_TD);
    given.auxiliary = {.balance = 1.3, .z = 0.7};
    const Answered answered = ask(index++, given);

    const CpuContext context{.threads = 1};
    auto gradient = gradient_for(layer);
    const auto d_x_TD = layer.backward(context, d_y_TD, given.auxiliary,
                                       std::move(layer.forward(context, x_TD, batch).saved), gradient);
    CHECK(relative_deviation(values_of(d_x_TD), answered.d_x) <= bar);
    std::size_t next = 0;
    for_each_parameter(
        [&](const std::string& name, const auto& slope) {
          INFO(name);
          CHECK(relative_deviation(values_of(slope), answered.gradients.at(next++)) <= bar);
        },
        gradient);
  }
  REQUIRE(index > 0);
}

}  // namespace moe::testing
