/// Checks that every feed-forward network of the library must pass: as a layer, and as an expert of a layer.
#pragma once

#include "moe/layers/token_moe.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/router/top_k.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace moe::testing {

/// Outputs of forward, infer and decode match the reference's plain loops, and gradients match central differences.
template <class X>
void check_dense(std::uint32_t stream) {
  static_assert(Expert<X>);
  const CpuContext context{.threads = 2};
  Draw draw("a feed-forward network", stream);
  X layer(5, 7);
  randomize(draw, layer);
  auto x = random_matrix<double, Cpu<>>(draw, 6, 5);
  const Batch batch = Batch::single(6);
  const auto answer = layer.infer(context, x, batch);
  const auto answer_rows = rows_of(answer), x_rows = rows_of(x);
  for (std::size_t t = 0; t < 6; ++t)
    CHECK(relative_deviation(reference::ffn(ffn_of(layer), x_rows[t]), answer_rows[t]) < 1e-12);
  CHECK(same_bits(layer.forward(context, x, batch).output, answer));
  auto state = layer.begin_decoding(context, 6);
  CHECK(same_bits(layer.decode(context, x, {}, state), layer.infer(context, x, Batch::sequences(6, 1))));
  check_layer_gradients(layer, x, batch, 0, component_bar);
}

/// The same for experts of a layer, whose outputs are multiplied by gates.
template <class X>
void check_as_experts(std::uint32_t stream) {
  // With k = 3 every expert processes every row, so that no choice can flip; with k = 2 the groups are uneven.
  for (const Index k : {3, 2}) {
    TokenMoE layer(TopK{.k = k}, SoftmaxOverAll{}, Unlimited{}, ExpertBank<X>(3, 5, 4));
    const Batch batch = Batch::single(8);
    auto x = draw_clear(layer, batch, Phase::training, gradient_margin);
    const auto answer = layer.infer(CpuContext{}, x, batch);
    const auto wanted = expected(layer, rows_of(x), batch, Phase::training).y;
    CHECK(relative_deviation(flat(wanted), values_of(answer)) < 1e-12);
    INFO("stream " << stream);
    check_layer_gradients(layer, x, batch, 0.5);
  }
}

/// A frozen weight gets no gradient, and the other gradients are bitwise identical to those with all weights training.
template <class X>
void check_frozen() {
  const CpuContext context{.threads = 1};
  Draw draw("a frozen feed-forward network");
  X layer(4, 6);
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 9, 4), d_y = random_matrix<double, Cpu<>>(draw, 9, 4);
  const auto gradients = [&](const auto& trains) {
    X gradient = gradient_for(layer, trains);
    layer.backward(context, d_y, {}, layer.forward(context, x, Batch::single(9)).saved, gradient);
    return gradient;
  };
  const X all = gradients([](const std::string&) { return true; });
  for_each_parameter(
      [&](const std::string& alone, const auto&) {
        const X one = gradients([&](const std::string& name) { return name == alone; });
        for_each_parameter(
            [&](const std::string& name, const auto& slope, const auto& slope_of_all) {
              INFO(name << ", where only " << alone << " trains");
              CHECK((name == alone ? same_bits(slope, slope_of_all) : slope.empty()));
            },
            one, all);
      },
      layer);
}

/// Forward and backward accept a batch without rows.
template <class X>
void check_no_rows() {
  const CpuContext context{.threads = 2};
  const X layer(3, 4);
  auto run = layer.forward(context, Tensor(0, 3), Batch{});
  CHECK(run.output.rows() == 0);
  X gradient = gradient_for(layer);
  CHECK(layer.backward(context, Tensor(0, 3), {}, std::move(run.saved), gradient).rows() == 0);
}

template <class X>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  X::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("mlp."),
                      X(2, 3));
  return names;
}

}  // namespace moe::testing
