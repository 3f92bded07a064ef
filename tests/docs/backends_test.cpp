/// The code of docs/04_backends.md.
#include <atomic>
#include <moe/moe.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace backends_test {

using moe::testing::Draw;
using moe::testing::random_matrix;
using moe::testing::same_bits;

namespace {

// [gemm]
/// A custom product for the CPU backend: called on the worker threads, one tile at a time, single-threaded.
struct CountingGemm {
  static inline std::atomic<int> products{0};

  /// c += op(a) op(b), all row-major.
  template <moe::Product product, class Real, class Backend>
  static void add(moe::View<const Real, Backend> a, moe::View<const Real, Backend> b, moe::View<Real, Backend> c) {
    ++products;
    moe::EigenGemm::add<product, Real>(a, b, c);
  }
};
// [/gemm]

// [operation]
/// The CPU backend's operations, with a counter for segment means.
struct CountingMeans : moe::cpu::Operations<CountingMeans> {
  static inline int means = 0;

  template <class Real>
  static void segment_means(const Context& context, moe::View<const Real, CountingMeans> x_TD,
                            moe::View<const moe::Index, CountingMeans> begin_1V,
                            moe::View<Real, CountingMeans> mean_VD) {
    ++means;
    moe::cpu::SegmentsOperations<CountingMeans>::segment_means(context, x_TD, begin_1V, mean_VD);
  }
};
static_assert(moe::check_backend<CountingMeans, float, double>());
// [/operation]

template <class Backend>
auto layer_on() {
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<float, Backend>>(4, 8, 16));
  moe::initialize(typename Backend::Context{}, layer, /*seed=*/1, /*deviation=*/0.5);
  return layer;
}

}  // namespace

TEST_CASE("backends: results are bitwise identical for any number of threads", "[docs]") {
  const auto layer = layer_on<moe::Cpu<>>();
  Draw draw("backends, threads");
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, 700, 8);
  const auto batch = moe::Batch::single(700);
  // [threads]
  const moe::CpuContext one{.threads = 1}, three{.threads = 3};
  CHECK(same_bits(layer.infer(one, x_TD, batch), layer.infer(three, x_TD, batch)));
  // [/threads]
  const moe::CpuContext context;
  const auto y_TD = layer.infer(context, x_TD, batch);
  // [sets]
  const moe::cpu::InstructionSet fastest = moe::cpu::instruction_set();
  moe::cpu::use_instruction_set(moe::cpu::InstructionSet::baseline);  // of all following calls
  const auto portable_TD = layer.infer(context, x_TD, batch);
  moe::cpu::use_instruction_set(fastest);
  CHECK(std::abs(portable_TD.view()(0, 0) - y_TD.view()(0, 0)) < 1e-5f);
  // [/sets]
}

TEST_CASE("backends: weights are packed once", "[docs]") {
  const auto layer = layer_on<moe::Cpu<>>();
  Draw draw("backends, packed");
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, 700, 8);
  // [packed]
  const moe::CpuContext packed = moe::pack_weights(moe::CpuContext{}, layer);
  const auto all_TD = layer.infer(packed, x_TD, moe::Batch::single(700));
  auto state = layer.begin_decoding(packed, /*sequences=*/1);
  const auto one_BD = layer.decode(packed, x_TD.view().rows_between(42, 43), {}, state);
  CHECK(std::equal(one_BD.data(), one_BD.data() + 8, all_TD.view().row(42).begin()));
  // [/packed]
  // [narrow]
  const moe::CpuContext narrow = moe::pack_weights<moe::BFloat16>(moe::CpuContext{}, layer);
  const auto next_BD = layer.decode(narrow, x_TD.view().rows_between(43, 44), {}, state);
  CHECK(std::abs(next_BD.view()(0, 0) - all_TD.view()(43, 0)) < 0.01f);
  // [/narrow]
  // [int8]
  const moe::CpuContext int8 = moe::pack_weights<moe::Int8Groups>(moe::CpuContext{}, layer);
  const auto last_BD = layer.decode(int8, x_TD.view().rows_between(44, 45), {}, state);
  CHECK(std::abs(last_BD.view()(0, 0) - all_TD.view()(44, 0)) < 0.05f);
  // [/int8]
}

TEST_CASE("backends: two threads share a context", "[docs]") {
  const auto layer = layer_on<moe::Cpu<>>();
  Draw draw("backends, sharing");
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, 300, 8);
  const auto batch = moe::Batch::single(300);
  // [shared]
  const moe::CpuContext shared{.threads = 2};
  const moe::CpuContext copy = shared;  // the same pool and the same workers
  moe::Matrix<float, moe::Cpu<>> y_TD, again_TD;
  std::thread other([&] { again_TD = layer.infer(copy, x_TD, batch); });
  y_TD = layer.infer(shared, x_TD, batch);
  other.join();
  CHECK(same_bits(y_TD, again_TD));
  CHECK(copy.pool == shared.pool);
  // [/shared]
}

TEST_CASE("backends: the pool keeps a step's memory for the next step", "[docs]") {
  const auto layer = layer_on<moe::Cpu<>>();
  Draw draw("backends, pool");
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, 64, 8);
  const auto batch = moe::Batch::single(64);
  // [pool]
  const moe::CpuContext context;
  layer.infer(context, x_TD, batch);
  const auto after_one = context.pool->kept();
  layer.infer(context, x_TD, batch);
  const auto after_two = context.pool->kept();
  CHECK(after_one.bytes > 0);
  CHECK(after_two.bytes == after_one.bytes);
  CHECK(after_two.blocks == after_one.blocks);
  // [/pool]
}

TEST_CASE("backends: a custom product", "[docs]") {
  // [use_gemm]
  using Mine = moe::Cpu<CountingGemm>;
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<float, Mine>>(4, 8, 16));
  const Mine::Context context;
  // [/use_gemm]
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.5);
  Draw draw("backends, product");
  const auto x_TD = random_matrix<float, Mine>(draw, 20, 8);
  CountingGemm::products = 0;
  const auto y_TD = layer.infer(context, x_TD, moe::Batch::single(20));
  CHECK(CountingGemm::products > 0);

  // The same numbers as with the product that it wraps.
  using Eigens = moe::Cpu<moe::EigenGemm>;
  const moe::View<const float, Eigens> same_x_TD(x_TD.data(), 20, 8);
  const auto expected_TD = layer_on<Eigens>().infer({}, same_x_TD, moe::Batch::single(20));
  CHECK(moe::as_eigen(y_TD) == moe::as_eigen(expected_TD));
}

TEST_CASE("backends: a custom operation", "[docs]") {
  // [use_operation]
  using Source = moe::OwnMean<float, CountingMeans>;
  moe::SegmentMoE layer(moe::FixedWindow{.window = 4}, Source{}, moe::ExpertChoice{}, moe::SoftmaxOverAll{},
                        moe::SegmentCapacity{.factor = 1},
                        moe::ExpertBank<moe::SwiGlu<float, CountingMeans>>(4, 8, 16));
  // [/use_operation]
  const CountingMeans::Context context;
  Draw draw("backends, operation");
  const auto x_TD = random_matrix<float, CountingMeans>(draw, 20, 8);
  const int before = CountingMeans::means;
  layer.infer(context, x_TD, moe::Batch::single(20));
  CHECK(CountingMeans::means == before + 1);
}

TEST_CASE("backends: shapes without memory", "[docs]") {
  // [shape]
  const auto layer = moe::make_multipl<moe::MultiPlMoe<float, moe::Shape>>({});  // the paper's sizes
  const moe::Index weights = moe::count_parameters(layer, [](const std::string&) { return true; });
  const moe::Index shared = moe::count_parameters(layer, moe::TrainByName{.train = {"token.experts.0.*"}});
  CHECK(weights == 12 * 3 * moe::Index{2048} * 5504 + 2 * 6 * 2048);
  CHECK(shared == 3 * moe::Index{2048} * 5504);
  static_assert(!moe::computes<moe::Shape> && moe::computes<moe::Cpu<>>);
  // [/shape]
  CHECK(layer.token.bank.experts[0].up_proj.data() == nullptr);
}

}  // namespace backends_test
