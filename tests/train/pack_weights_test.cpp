#include "moe/train/pack_weights.hpp"

#include <cstring>
#include <limits>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/train/initialize.hpp"
#include "support/catch.hpp"
#include "support/int8_groups.hpp"
#include "support/random_tensors.hpp"

namespace pack_weights_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;

template <class Real>
auto layer_of(Index width, Index hidden) {
  Mixtral<Real, B> layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<Real, B>>(4, width, hidden));
  initialize(CpuContext{}, layer, /*seed=*/3, /*deviation=*/0.3);
  return layer;
}

template <class Real>
bool same_row(View<const Real, B> one, View<const Real, B> all, Index row) {
  return std::memcmp(one.row(0).data, all.row(row).data, static_cast<std::size_t>(all.cols) * sizeof(Real)) == 0;
}

/// Rounds every value of the weight to those that a packed copy of type Stored has.
template <class Stored>
void round_weight(Matrix<float, B>& weight) {
  if constexpr (std::is_same_v<Stored, Int8Groups>)
    round_to_int8_groups(weight.view());
  else
    for (Index i = 0; i < weight.size(); ++i) weight.data()[i] = static_cast<float>(Stored(weight.data()[i]));
}

}  // namespace

TEMPLATE_TEST_CASE("with packed weights decoding is bitwise identical to the whole forward", "[train]", float, double) {
  // Widths that are no multiple of a panel; row counts with one strip per expert, a few, and more than one task.
  const auto layer = layer_of<TestType>(37, 45);
  Draw draw("packed weights");
  const Index rows = 1300;
  const auto x_TD = random_matrix<TestType, B>(draw, rows, 37);
  for (const int threads : {1, 3}) {
    const CpuContext context{.threads = threads};
    const CpuContext packed = pack_weights(context, layer);
    CHECK(packed.packed->count() == 1 + 4 * 3);
    const auto whole = layer.infer(packed, x_TD, Batch::single(rows));
    auto state = layer.begin_decoding(packed, 1);
    for (const Index t : {Index{0}, Index{1}, Index{2}, Index{700}, rows - 1}) {
      const auto one = layer.decode(packed, x_TD.view().rows_between(t, t + 1), {}, state);
      CHECK(same_row<TestType>(one.view(), whole.view(), t));
    }
    for (const Index some : {2, 7, 8, 9, 30, 500}) {
      const auto first = layer.infer(packed, x_TD.view().rows_between(0, some), Batch::single(some));
      CHECK(std::memcmp(first.data(), whole.data(), static_cast<std::size_t>(first.size()) * sizeof(TestType)) == 0);
    }
    // Training's forward computes the same sums, and packing changes none of them where every expert has many rows.
    CHECK(same_bits(layer.forward(packed, x_TD, Batch::single(rows)).output, whole));
    CHECK(same_bits(layer.infer(context, x_TD, Batch::single(rows)), whole));
  }
}

TEMPLATE_TEST_CASE("with packed weights decoding of both levels is bitwise identical to the whole forward", "[train]",
                   (CausalMultiPlMoe<float, B>), (CausalMultiPlMoe<double, B, NormalizedFusion>)) {
  using Real = typename TestType::Value;
  auto layer = make_multipl<TestType>({.width = 37, .hidden = 45, .window = 4});
  initialize(CpuContext{}, layer, /*seed=*/3, /*deviation=*/0.3);
  Draw draw("packed, both levels");
  constexpr Index rows = 23, first = 6;
  const auto x_TD = random_matrix<Real, B>(draw, rows, 37);
  const CpuContext context{.threads = 2};
  layer.update_buffers(context, layer.forward(context, x_TD, Batch::single(rows)).stats);
  const CpuContext packed = pack_weights(context, layer);
  const auto whole = layer.infer(packed, x_TD, Batch::single(rows));
  auto state = layer.begin_decoding(packed, 1);
  const auto start = layer.prefill(packed, x_TD.view().rows_between(0, first), Batch::single(first), state);
  CHECK(std::memcmp(start.data(), whole.data(), static_cast<std::size_t>(start.size()) * sizeof(Real)) == 0);
  for (Index t = first; t < rows; ++t)
    CHECK(same_row<Real>(layer.decode(packed, x_TD.view().rows_between(t, t + 1), {}, state).view(), whole.view(), t));
}

TEMPLATE_TEST_CASE("weights packed in fewer bits give bitwise the results of rounded weights", "[train]", BFloat16,
                   Int8Groups) {
  const auto layer = layer_of<float>(37, 45);
  auto rounded = layer_of<float>(37, 45);
  for (auto& expert : rounded.bank.experts)
    for (auto* weight : {&expert.gate_proj, &expert.up_proj, &expert.down_proj}) round_weight<TestType>(*weight);
  Draw draw("narrow weights");
  const Index rows = 1300;
  const auto x_TD = random_matrix<float, B>(draw, rows, 37);
  for (const int threads : {1, 3}) {
    const CpuContext context{.threads = threads};
    const CpuContext narrow = pack_weights<TestType>(context, layer), whole = pack_weights(context, rounded);
    // From one row per expert to more than one task; narrow panels are converted in registers or beforehand.
    for (const Index some : {Index{1}, Index{2}, Index{5}, Index{11}, Index{16}, Index{40}, Index{500}, rows})
      CHECK(same_bits(layer.infer(narrow, x_TD.view().rows_between(0, some), Batch::single(some)),
                      rounded.infer(whole, x_TD.view().rows_between(0, some), Batch::single(some))));
    CHECK_FALSE(
        same_bits(layer.infer(narrow, x_TD, Batch::single(rows)), layer.infer(context, x_TD, Batch::single(rows))));
    auto state = layer.begin_decoding(narrow, 1);
    const auto all_TD = layer.infer(narrow, x_TD, Batch::single(rows));
    CHECK(same_row<float>(layer.decode(narrow, x_TD.view().rows_between(700, 701), {}, state).view(), all_TD.view(),
                          700));
  }
}

TEMPLATE_TEST_CASE("long sums process weights packed in fewer bits in parts", "[train]", BFloat16, Int8Groups) {
  // More terms than one partial sum has, and panels that are multiplied in pairs, with one left.
  constexpr Index cols = 200;
  Draw draw("long sums");
  const auto w_FD = random_matrix<float, B>(draw, cols, 5000), x_TD = random_matrix<float, B>(draw, 30, 5000);
  auto rounded_FD = w_FD.copy();
  round_weight<TestType>(rounded_FD);
  CpuContext context{.threads = 2};
  const auto product = [&](const CpuContext& with, const Matrix<float, B>& weight, Index rows) {
    auto y_TF = Matrix<float, B>::uninitialized(context, rows, cols);
    const View<const float, B> weights[] = {weight.view()};
    const Index offsets[] = {0, rows};
    B::grouped_product<float>(with, x_TD.view().rows_between(0, rows), {weights, 1}, {offsets, 2}, y_TF.view());
    return y_TF;
  };
  const auto packed = std::make_shared<cpu::PackedWeights>();
  packed->template add<TestType>(context, w_FD.view());
  packed->template add<float>(context, rounded_FD.const_view());
  CpuContext with = context;
  with.packed = packed;
  for (const Index rows : {1, 2, 3, 8, 9, 30})
    CHECK(same_bits(product(with, w_FD, rows), product(with, rounded_FD, rows)));
}

TEST_CASE("without packed weights decoding matches the whole forward up to rounding", "[train]") {
  const auto layer = layer_of<float>(37, 45);
  Draw draw("unpacked weights");
  const auto x_TD = random_matrix<float, B>(draw, 300, 37);
  const CpuContext context{.threads = 2};
  const auto whole = layer.infer(context, x_TD, Batch::single(300));
  const auto one = layer.infer(context, x_TD.view().rows_between(7, 8), Batch::single(1));
  for (Index d = 0; d < 37; ++d)
    CHECK(std::abs(one.view()(0, d) - whole.view()(7, d)) <= 1e-5f * (1 + std::abs(whole.view()(7, d))));
}

TEMPLATE_TEST_CASE("a weight changed after packing is an error, and packing again resolves it", "[train]", float,
                   BFloat16, Int8Groups) {
  auto layer = layer_of<float>(37, 45);
  Draw draw("changed weights");
  const auto x_TD = random_matrix<float, B>(draw, 200, 37);
  const CpuContext packed = pack_weights<TestType>(CpuContext{.threads = 2}, layer);
  const auto before = layer.infer(packed, x_TD, Batch::single(200));
  for (auto& expert : layer.bank.experts)
    for (Index i = 0; i < expert.up_proj.size(); ++i) expert.up_proj.data()[i] *= 2;
  CHECK_THROWS_WITH(layer.infer(packed, x_TD, Batch::single(200)),
                    "[pack_weights] a weight of 45 x 37 has changed since it was packed; pack the layer again");
  const CpuContext again = pack_weights<TestType>(packed, layer);
  if constexpr (std::is_same_v<TestType, float>)
    CHECK(same_bits(layer.infer(again, x_TD, Batch::single(200)),
                    layer.infer(CpuContext{.threads = 1}, x_TD, Batch::single(200))));
  CHECK_FALSE(same_bits(layer.infer(again, x_TD, Batch::single(200)), before));
}

TEST_CASE("8 bits change the output of a layer with normal weights by a mean square error below 1e-4", "[train]") {
  constexpr Index width = 256, hidden = 352, rows = 64;
  Mixtral<float, B> layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{},
                          ExpertBank<SwiGlu<float, B>>(4, width, hidden));
  const CpuContext context{.threads = 2};
  initialize(context, layer, /*seed=*/3, /*deviation=*/0.02);
  Draw draw("error of 8 bits");
  const auto x_TD = random_matrix<float, B>(draw, rows, width);
  const auto exact_TD = layer.infer(context, x_TD, Batch::single(rows));
  const auto found_TD = layer.infer(pack_weights<Int8Groups>(context, layer), x_TD, Batch::single(rows));
  double error = 0, size = 0;
  for (Index i = 0; i < exact_TD.size(); ++i) {
    const double y = exact_TD.data()[i], difference = found_TD.data()[i] - exact_TD.data()[i];
    error += difference * difference, size += y * y;
  }
  CAPTURE(error / size);
  CHECK(error / size < 1e-4);
  CHECK(error / size > 5e-5);
}

TEST_CASE("a weight that is not finite cannot be packed in 8 bits", "[train]") {
  auto layer = layer_of<float>(37, 45);
  layer.bank.experts[1].down_proj.view()(36, 44) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(pack_weights<Int8Groups>(CpuContext{.threads = 2}, layer),
                    "[pack_weights] a weight of 37 x 45 must be finite to be packed in 8 bits, found a value that is "
                    "infinite or NaN; pack it in another type");
}

}  // namespace pack_weights_test
