/// The code of docs/00_tour.md.
#include <moe/moe.hpp>
#include <moe/runtime/registry.hpp>

#include "compiled_layers/compiled_layers.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace tour_test {

using moe::testing::Draw;
using moe::testing::random_matrix;

TEST_CASE("tour: a layer is built, run, trained and decoded", "[docs]") {
  // [layer]
  using Cpu = moe::Cpu<>;
  using Experts = moe::ExpertBank<moe::SwiGlu<double, Cpu>>;
  const moe::CpuContext context;

  // 8 experts for rows of width 16, each with 32 inner channels; each row is routed to 2 of them.
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts(8, 16, 32));
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.3);
  // [/layer]
  Draw draw("tour");
  const auto x_TD = random_matrix<double, Cpu>(draw, 24, 16), target_TD = random_matrix<double, Cpu>(draw, 24, 16);

  // [infer]
  auto batch = moe::Batch::sequences(/*count=*/2, /*length=*/12);
  const auto y_TD = layer.infer(context, x_TD, batch);
  // [/infer]
  CHECK(y_TD.rows() == 24);
  CHECK(y_TD.cols() == 16);

  // [train]
  // x_TD, target_TD: 24 rows of width 16. batch = moe::Batch::sequences(/*count=*/2, /*length=*/12).
  const moe::AdamW adamw{.decay = 0.01};
  const moe::CosineSchedule schedule{.peak = 1e-2, .warm_up = 5, .total = 50};
  auto gradient = moe::gradient_for(layer);
  moe::AdamWState adamw_state(context, layer, gradient);
  std::vector<double> losses;

  for (moe::Index step = 1; step <= 50; ++step) {
    batch.random = {.seed = 1, .step = step};  // key of the random numbers that some routers draw
    auto [out_TD, saved, stats] = layer.forward(context, x_TD, batch);
    moe::Matrix<double, Cpu> d_out_TD(out_TD.rows(), out_TD.cols());
    const auto error = moe::as_eigen(out_TD) - moe::as_eigen(target_TD);
    losses.push_back(0.5 * error.squaredNorm());
    moe::as_eigen(d_out_TD) = error;

    moe::set_to_zero(context, gradient);
    // .balance: weight of the balance loss in the total loss
    layer.backward(context, d_out_TD, {.balance = 0.01}, std::move(saved), gradient);
    const double scale = moe::clip_factor(moe::global_norm(context, gradient), 1.0);
    adamw.step(context, schedule.at(step), step, scale, layer, gradient, adamw_state);
    layer.update_buffers(context, stats);
  }
  // [/train]
  CHECK(losses.back() < 0.8 * losses.front());

  // [decode]
  static_assert(decltype(layer)::is_causal);
  auto state = layer.begin_decoding(context, /*sequences=*/2);
  const moe::View<const double, Cpu> x_BD(x_TD.data(), 2, 16, 12 * 16);  // the first row of each sequence
  const auto y_BD = layer.decode(context, x_BD, /*tokens_B=*/{}, state);
  // [/decode]
  const auto whole_TD = layer.infer(context, x_TD, batch);
  CHECK((moe::as_eigen(y_BD).row(0) - moe::as_eigen(whole_TD).row(0)).norm() < 1e-12);
  CHECK((moe::as_eigen(y_BD).row(1) - moe::as_eigen(whole_TD).row(12)).norm() < 1e-12);
}

TEST_CASE("tour: a row-major Eigen matrix is read and returned without a copy", "[docs]") {
  const moe::CpuContext context;
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<float, moe::Cpu<>>>(4, 8, 16));
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.5);
  // [eigen]
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const RowMajor mine = RowMajor::Constant(5, 8, 1.0f);
  const auto y_TD = layer.infer(context, mine, moe::Batch::single(5));
  const float largest = moe::as_eigen(y_TD).cwiseAbs().maxCoeff();
  // [/eigen]
  CHECK(largest > 0);
  CHECK(moe::as_eigen(y_TD).data() == y_TD.data());
  CHECK(moe::View<const float, moe::Cpu<>>(mine).data == mine.data());
}

TEST_CASE("tour: a layer is made by name at run time", "[docs]") {
  const moe::CpuContext context;
  const moe::Index rows = 12, width = 8;
  Draw draw("tour, any layer");
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, rows, width);
  // [any]
  const moe::Registry<float, moe::Cpu<>> registry;  // moe/runtime/registry.hpp
  auto layer = registry.make({.architecture = "causal-multipl-moe",
                              .fusion = "normalized",
                              .settings = {.width = width, .hidden = 16, .window = 4}});
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.5);
  const auto y_TD = layer.infer(context, x_TD, moe::Batch::single(rows));
  // [/any]
  CHECK(y_TD.rows() == rows);
  CHECK(moe::as_eigen(y_TD).norm() > 0);
  CHECK_THROWS_WITH(registry.make({.architecture = "mixtrel"}),
                    Catch::Matchers::ContainsSubstring("must be one of dense, mixtral, gshard"));
}

TEST_CASE("tour: an observer is called with every routing decision", "[docs]") {
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<float, moe::Cpu<>>>(4, 8, 16));
  Draw draw("tour, observer");
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, 6, 8);
  // [observe]
  std::vector<moe::Observation> seen;
  const moe::CpuContext context{.observer = [&](const moe::Observation& o) { seen.push_back(o); }};
  layer.infer(context, x_TD, moe::Batch::single(6));
  // [/observe]
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].level == "token");
  // The gate is all zero: every row selects the two lowest indices, in order.
  CHECK(std::vector<moe::ChoiceOrder>(seen[0].chosen.begin(), seen[0].chosen.begin() + 4) ==
        std::vector<moe::ChoiceOrder>{1, 2, 0, 0});
  CHECK(seen[0].gates[0] == 0.5);
}

TEST_CASE("tour: choices are recorded and replayed", "[docs]") {
  const moe::CpuContext context;
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<float, moe::Cpu<>>>(4, 8, 16));
  Draw draw("tour, replay");
  randomize(draw, layer);
  const auto x_TD = random_matrix<float, moe::Cpu<>>(draw, 6, 8);
  const auto batch = moe::Batch::single(6);
  // [replay]
  moe::RoutingRecorder recorder(batch.count());
  recorder.expect(batch);
  layer.infer({.observer = recorder.observer()}, x_TD, batch);
  const std::vector<std::uint8_t> bytes = moe::routing_to_bytes(recorder.records());

  const std::vector<moe::RoutingRecord> records = moe::routing_from_bytes(bytes);
  const moe::RoutingReplay replay(records);
  const auto run = layer.forward({.replay = &replay}, x_TD, batch);
  // [/replay]
  CHECK(moe::testing::same_bits(run.output, layer.forward(context, x_TD, batch).output));
  CHECK(bytes.size() < 6 * 2 * 2 + 100);
}

}  // namespace tour_test
