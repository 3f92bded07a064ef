/// Initial values are drawn on the host's threads and are bitwise identical for any number of threads.
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/split_into_experts.hpp"
#include "moe/train/upcycle.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace host_draws_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// The CPU backend with a for_each_on_host that runs backwards and records its counts.
struct Backwards : Cpu<> {
  static inline std::vector<Index> counts;

  template <class F>
  static void for_each_on_host(const Context&, Index count, const F& f) {
    counts.push_back(count);
    for (Index i = count; i-- > 0;) f(i);
  }
  template <class Value>
  static void upload(const Context& context, const Value* from, View<Value, Backwards> to) {
    Cpu<>::upload(context, from, View<Value, Cpu<>>(to.data, to.rows, to.cols, to.stride));
  }
  template <class Value>
  static void download(const Context& context, View<const Value, Backwards> from, Value* to) {
    Cpu<>::download(context, View<const Value, Cpu<>>(from.data, from.rows, from.cols, from.stride), to);
  }
};

/// Wide enough for a weight to be several tiles.
constexpr Index width = 130, hidden = 300;
constexpr Upcycling differing{.seed = 3, .noise_deviation = 0.01, .reinitialized = 0.3};

/// Every weight of what `make(context)` draws.
template <class Make>
std::vector<double> drawn(const Make& make, int threads) {
  const auto layer = make(CpuContext{.threads = threads});
  std::vector<double> values;
  for_each_parameter(
      [&](const std::string&, const auto& weight) {
        for (const double value : values_of(weight)) values.push_back(value);
      },
      layer);
  return values;
}

template <class Make>
void check_threads(const Make& make) {
  const std::vector<double> alone = drawn(make, 1);
  for (const int threads : {2, 3, 7}) {
    INFO(threads << " threads");
    CHECK(drawn(make, threads) == alone);
  }
}

/// An expert made of a dense FFN, both drawn.
template <class B>
std::vector<double> upcycled_expert() {
  const typename B::Context context;
  SwiGlu<float, B> dense(width, hidden), expert(width, hidden);
  initialize(context, dense, 1, 0.1);
  upcycle_expert(context, dense, expert, differing, "experts.4.");
  std::vector<double> values;
  for (const auto* weight : {&expert.gate_proj, &expert.up_proj, &expert.down_proj})
    for (const double value : values_of(*weight)) values.push_back(value);
  return values;
}

}  // namespace

TEST_CASE("drawn values are bitwise identical for any number of threads", "[train]") {
  const auto dense = [](const CpuContext& context) {
    SwiGlu<float, Cpu<>> ffn(width, hidden);
    initialize(context, ffn, 5, 0.1);
    return ffn;
  };
  check_threads(dense);
  check_threads([&](const CpuContext& context) {
    auto layer = make_multipl<CausalMultiPlMoe<float, Cpu<>>>({.width = width, .hidden = hidden});
    upcycle(context, dense(context), layer, differing);
    return layer;
  });
  check_threads([&](const CpuContext& context) {
    Qwen15Moe<float, Cpu<>> layer(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<float, Cpu<>>>(4, width, 150),
                                  {width, hidden});
    split_into_experts(context, dense(context), layer, 2, differing);
    return layer;
  });
  check_threads([&](const CpuContext& context) {
    auto layer = make_mole(dense(context), {.languages = 2, .language_rank = 70, .shared_rank = 130});
    draw_adapters(context, layer, 9);
    return layer;
  });
}

TEST_CASE("draws are split into parts that may run in any order", "[train]") {
  Backwards::counts.clear();
  CHECK(upcycled_expert<Backwards>() == upcycled_expert<Cpu<>>());
  // Three weights each for the dense FFN, channels and noise.
  CHECK(Backwards::counts.size() == 9);
  for (const Index count : Backwards::counts) CHECK(count > 1);
}

}  // namespace host_draws_test
