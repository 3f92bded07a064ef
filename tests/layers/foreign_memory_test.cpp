/// Matrices of other libraries are read and returned without a copy.
#include <Eigen/Core>
#include <type_traits>

#include "moe/backend/cpu/eigen_gemm.hpp"
#include "moe/train/walk.hpp"

#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace foreign_memory_test {

using namespace moe;
using namespace moe::testing;

namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ColMajor = Eigen::MatrixXf;
using ConstView = View<const float, Cpu<>>;

// Types that would be read wrongly are not viewable; tests/compile_fail has the compiler's messages.
template <class M, class Value = const float>
constexpr bool viewable = [] {
  constexpr bool converts = std::is_convertible_v<M, View<Value, Cpu<>>>;
  static_assert(converts == std::is_constructible_v<View<Value, Cpu<>>, M>);
  return converts;
}();
static_assert(viewable<RowMajor&> && viewable<const RowMajor&> && viewable<RowMajor&, float>);
static_assert(viewable<Eigen::Map<RowMajor>> && viewable<Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>>);
static_assert(viewable<Eigen::Ref<const RowMajor>&> && viewable<Eigen::Block<RowMajor>>);
static_assert(!viewable<RowMajor> && !viewable<decltype(std::declval<RowMajor&>() + std::declval<RowMajor&>())>);
static_assert(!viewable<const RowMajor&, float>);
static_assert(!viewable<ColMajor&>);
static_assert(!viewable<Eigen::Map<const ColMajor>>);
static_assert(!viewable<decltype(std::declval<ColMajor&>().row(0))>);
static_assert(!viewable<Eigen::Map<RowMajor, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>>);
static_assert(!viewable<RowMajor&, const double>);

const CpuContext context;
using Layer = Mixtral<float, Cpu<>>;

}  // namespace

TEST_CASE("a view of an Eigen matrix points to the matrix's values", "[layers]") {
  RowMajor own = RowMajor::Random(4, 6);
  const ConstView whole = own, rows = own.middleRows(1, 2), piece = own.block(1, 2, 3, 3), one = own.row(2);
  CHECK(whole.data == own.data());
  CHECK(rows.data == own.data() + 6);
  CHECK(piece.data == own.data() + 8);
  CHECK(piece.stride == 6);
  CHECK(piece(2, 1) == own(3, 3));
  CHECK(one.rows == 1);
  CHECK(one.data == own.data() + 12);
}

TEST_CASE("the same values give bitwise identical outputs from any memory", "[layers]") {
  const Sizes sizes{.width = 5, .hidden = 4, .experts = 3, .k = 2};
  Draw draw("foreign memory");
  auto layer = build<Layer>(sizes);
  randomize(draw, layer);
  const Batch batch = Batch::single(7);

  const RowMajor x = RowMajor::Random(7, 5);
  auto run = layer.forward(context, x, batch);
  CHECK(run.saved.x_TD.data == x.data());

  const std::vector<float> values(x.data(), x.data() + x.size());
  CHECK(same_bits(layer.infer(context, {values.data(), 7, 5}, batch), run.output));
  CHECK(same_bits(layer.infer(context, Eigen::Map<const RowMajor>(values.data(), 7, 5), batch), run.output));

  RowMajor wide = RowMajor::Constant(9, 11, 1e9f);
  wide.block(1, 3, 7, 5) = x;
  CHECK(same_bits(layer.infer(context, wide.block(1, 3, 7, 5), batch), run.output));

  // The gradient of the output may be a block of a larger matrix too.
  Layer a = gradient_for(layer), b = gradient_for(layer);
  const RowMajor d_y = RowMajor::Random(7, 5);
  wide.block(1, 3, 7, 5) = d_y;
  const auto d_x = layer.backward(context, d_y, {}, std::move(run.saved), a);
  CHECK(same_bits(layer.backward(context, wide.block(1, 3, 7, 5), {}, layer.forward(context, x, batch).saved, b), d_x));
}

TEST_CASE("an output is viewed as an Eigen matrix without a copy", "[layers]") {
  auto layer = build<Layer>({.width = 5, .hidden = 4, .experts = 3, .k = 2});
  Draw draw("output");
  randomize(draw, layer);
  const RowMajor x = RowMajor::Random(7, 5);
  auto y = layer.infer(context, x, Batch::single(7));
  auto mapped = as_eigen(y.view());
  CHECK(mapped.data() == y.data());
  CHECK(mapped.rows() == 7);
  mapped *= 2;
  CHECK(y.view()(3, 2) == 2 * layer.infer(context, x, Batch::single(7)).view()(3, 2));
}

}  // namespace foreign_memory_test
