#include <set>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/phase.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace phases_test {

using moe::Phase;
using moe::testing::same_bits;
using Cpu = moe::Cpu<>;
using Tensor = moe::Matrix<double, Cpu>;

namespace {

constexpr moe::Index width = 12, hidden = 10, rows = 16;

/// The phases that began in forward, backward and infer, in order, and those that are open.
struct Heard {
  std::vector<Phase> forward, backward, infer, open;
};

/// Runs every pass with a phase callback, and checks that the callback changes no result.
template <class Layer>
Heard listen_to(Layer layer) {
  Heard heard;
  std::vector<Phase>* begun = &heard.forward;
  const moe::CpuContext silent{.threads = 1};
  const moe::CpuContext context{.threads = 1, .phases = [&](Phase phase, moe::PhaseEdge edge) {
                                  if (edge == moe::PhaseEdge::begin) {
                                    begun->push_back(phase);
                                    heard.open.push_back(phase);
                                    return;
                                  }
                                  REQUIRE_FALSE(heard.open.empty());
                                  CHECK(heard.open.back() == phase);
                                  heard.open.pop_back();
                                }};
  moe::initialize(silent, layer, 7, 0.5);
  Tensor x_TD(rows, width), d_y_TD(rows, width);
  for (moe::Index i = 0; i < x_TD.size(); ++i) {
    x_TD.data()[i] = static_cast<double>((i * 37) % 19) / 9 - 1;
    d_y_TD.data()[i] = static_cast<double>((i * 23) % 17) / 8 - 1;
  }
  const moe::Batch batch = moe::Batch::sequences(2, rows / 2);

  auto run = layer.forward(context, x_TD, batch);
  auto same = layer.forward(silent, x_TD, batch);
  CHECK(same_bits(run.output, same.output));
  begun = &heard.backward;
  Layer gradient = moe::gradient_for(layer), unheard = moe::gradient_for(layer);
  const Tensor d_x_TD = layer.backward(context, d_y_TD, {.balance = 0.1}, std::move(run.saved), gradient);
  CHECK(same_bits(d_x_TD, layer.backward(silent, d_y_TD, {.balance = 0.1}, std::move(same.saved), unheard)));
  begun = &heard.infer;
  CHECK(same_bits(layer.infer(context, x_TD, batch), layer.infer(silent, x_TD, batch)));
  CHECK(heard.open.empty());
  return heard;
}

std::set<Phase> kinds(const std::vector<Phase>& phases) { return {phases.begin(), phases.end()}; }

const std::set<Phase> of_one_level = {Phase::router, Phase::dispatch, Phase::experts, Phase::combine};
const std::set<Phase> of_two_levels = {Phase::router, Phase::fusion, Phase::dispatch, Phase::experts, Phase::combine};

using Expert = moe::SwiGlu<double, Cpu>;

}  // namespace

TEST_CASE("a token layer reports its phases in the order in which they run", "[layers]") {
  const Heard heard =
      listen_to(moe::Mixtral<double, Cpu>(moe::TopK{.k = 2}, {}, {}, moe::ExpertBank<Expert>(4, width, hidden)));
  CHECK(heard.infer == std::vector{Phase::router, Phase::dispatch, Phase::experts, Phase::dispatch, Phase::dispatch,
                                   Phase::experts, Phase::combine, Phase::experts});
  for (const auto& pass : {heard.forward, heard.backward, heard.infer}) CHECK(kinds(pass) == of_one_level);
  CHECK(heard.forward.front() == Phase::router);
  CHECK(heard.backward.front() == Phase::combine);
  CHECK(heard.backward.back() == Phase::router);
  // The shared path belongs to the phase of the experts.
  const Heard beside = listen_to(moe::Qwen15Moe<double, Cpu>(
      moe::TopK{.k = 2}, {}, {}, moe::ExpertBank<Expert>(4, width, hidden), {width, hidden}));
  CHECK(beside.infer == heard.infer);
}

TEST_CASE("segment layers and hybrids with either kind of fusion report their phases", "[layers]") {
  const moe::MultiPlSettings settings{
      .width = width, .hidden = hidden, .token_experts = 3, .segment_experts = 2, .k = 2, .window = 4};
  using Joined = moe::CausalMultiPlMoe<double, Cpu>;
  static_assert(Joined::runs_in_one_pass);
  for (const Heard& heard : {listen_to(moe::make_multipl<Joined>(settings))})
    for (const auto& pass : {heard.forward, heard.backward, heard.infer}) CHECK(kinds(pass) == of_two_levels);
  using Segments = decltype(Joined::segment);
  const Heard alone = listen_to(moe::make_multipl<Segments>(settings));
  for (const auto& pass : {alone.forward, alone.backward, alone.infer}) CHECK(kinds(pass) == of_one_level);
  using Apart = moe::HybridMoE<decltype(Joined::token), Segments, moe::ChannelFusion<double, Cpu>>;
  static_assert(!Apart::runs_in_one_pass);
  const Heard apart = listen_to(Apart(moe::make_multipl<decltype(Joined::token)>(settings),
                                      moe::make_multipl<Segments>(settings), {width, 0.7, 0.3}));
  for (const auto& pass : {apart.forward, apart.backward, apart.infer}) CHECK(kinds(pass) == of_two_levels);
}

TEST_CASE("a phase ends when an exception leaves it", "[layers]") {
  std::vector<moe::PhaseEdge> heard;
  const moe::CpuContext context{.phases = [&](Phase, moe::PhaseEdge edge) { heard.push_back(edge); }};
  CHECK_THROWS_AS(moe::in_phase(context, Phase::router, [] { throw moe::Error("refused"); }), moe::Error);
  CHECK(heard == std::vector{moe::PhaseEdge::begin, moe::PhaseEdge::end});
}

TEST_CASE("a dense layer has only the experts' phase, and adapters have a router and a dispatch phase", "[layers]") {
  const Heard dense = listen_to(Expert(width, hidden));
  for (const auto& pass : {dense.forward, dense.backward, dense.infer}) CHECK(kinds(pass) == std::set{Phase::experts});
  const Heard adapted = listen_to(moe::make_lora(Expert(width, hidden), 2, 4));
  CHECK(kinds(adapted.infer) == std::set{Phase::router, Phase::dispatch, Phase::experts});
}

}  // namespace phases_test
