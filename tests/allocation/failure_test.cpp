/// Memory runs out at the n-th request, for every n: an error reaches the caller, nothing leaks, no weight has changed,
/// and the same objects then give the same results.
#include <atomic>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "allocation/counting_allocator.hpp"
#include "allocation/training.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "support/catch.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

/// Live memory without the blocks that the context's pool keeps for later.
template <class Context>
Allocated held(const Context& context) {
  Allocated now = allocated();
  now.blocks -= context.pool->kept().blocks;
  now.bytes -= context.pool->kept().bytes;
  return now;
}

/// Runs act(prepare()) with request 1, 2, 3, ... refused, until no request is refused. `unharmed` checks the state
/// after every failure, and nothing may leak. The pool is empty each time, so that every tensor is a request. Returns
/// the number of requests.
template <class Prepare, class Act, class Unharmed>
int refuse_each_request(CpuContext& context, Refusals refusals, const Prepare& prepare, const Act& act,
                        const Unharmed& unharmed) {
  for (int n = 1;; ++n) {
    context.pool = std::make_shared<cpu::Pool>();
    const auto before = held(context);
    bool failed = false, happened = false;
    {
      auto prepared = prepare();
      try {
        const Refuse refuse(n, refusals);
        act(prepared);
        happened = refuse.happened();
      } catch (const std::bad_alloc&) {
        failed = happened = true;
      }
    }
    const auto after = held(context);
    INFO("request " << n);
    CHECK(after.blocks == before.blocks);
    CHECK(after.bytes == before.bytes);
    if (failed) unharmed();
    if (!happened) return n - 1;
  }
}

struct Nothing {};
const auto nothing = [] { return Nothing{}; };

}  // namespace

TEMPLATE_LIST_TEST_CASE("running out of memory in training, inference or decoding leaks nothing and changes no weight",
                        "[allocation]", AllocationLayers) {
  const int threads = GENERATE(1, 3);
  const Refusals refusals = GENERATE(Refusals::one, Refusals::all);
  TrainingTrees<TestType> t(threads);
  t.step();
  const auto weights = contents(t.layer);
  const auto unharmed = [&] { CHECK(same_bits(contents(t.layer), weights)); };
  bool same = false;
  int requests = 0;

  SECTION("forward") {
    const auto expected = t.forward();
    requests = refuse_each_request(
        t.context, refusals, nothing, [&](Nothing) { same = same_bits(t.forward().output, expected.output); },
        unharmed);
    CHECK(requests > 20);
  }
  SECTION("backward") {
    auto run = t.forward();
    const auto expected = t.backward(run);
    const auto slopes = contents(t.gradient);
    const auto forward = [&] {
      set_to_zero(t.context, t.gradient);
      auto prepared = t.forward();
      // Blocks that forward has released must not serve backward.
      t.context.pool = std::make_shared<cpu::Pool>();
      return prepared;
    };
    requests = refuse_each_request(
        t.context, refusals, forward, [&](auto& prepared) { same = same_bits(t.backward(prepared), expected); },
        unharmed);
    CHECK(requests > 10);
    CHECK(same_bits(contents(t.gradient), slopes));
  }
  SECTION("clip, step and update_buffers") {
    auto run = t.forward();
    t.backward(run);
    const auto moments = contents(t.memory), slopes = contents(t.gradient);
    requests = refuse_each_request(
        t.context, refusals, nothing, [&](Nothing) { t.update(run.stats); },
        [&] {
          unharmed();
          CHECK(same_bits(contents(t.memory), moments));
          CHECK(same_bits(contents(t.gradient), slopes));
        });
    CHECK(requests > 0);
    TrainingTrees<TestType> other(1);
    for (int step = 0; step < 2; ++step) other.step();
    same = same_bits(contents(t.layer), contents(other.layer)) && t.steps == 2;
  }
  SECTION("infer") {
    const auto expected = t.infer();
    requests = refuse_each_request(
        t.context, refusals, nothing, [&](Nothing) { same = same_bits(t.infer(), expected); }, unharmed);
    CHECK(requests > 10);
  }
  SECTION("decode, which leaves the state unchanged") {
    auto untroubled = t.layer.begin_decoding(t.context, t.sequences);
    auto state = t.layer.begin_decoding(t.context, t.sequences);
    // Past the end of the second window.
    for (Index row = 0; row < 10; ++row) {
      const auto expected = t.layer.decode(t.context, t.rows_at(row), {}, untroubled);
      same = false;
      requests = refuse_each_request(
          t.context, refusals, nothing,
          [&](Nothing) { same = same_bits(t.layer.decode(t.context, t.rows_at(row), {}, state), expected); }, unharmed);
      CHECK(requests > 10);
      CHECK(same);
    }
  }
  CHECK(same);
}

TEMPLATE_LIST_TEST_CASE("a first step that runs out of memory anywhere releases all of its memory", "[allocation]",
                        AllocationLayers) {
  const Refusals refusals = GENERATE(Refusals::one, Refusals::all);
  TrainingTrees<TestType> t(1);
  const auto expected = t.infer();
  const auto weights = contents(t.layer);
  int requests = 0, failures = 0;
  bool happened = true, same = true;
  const auto attempt = [&](int request) {
    same = true;
    try {
      const Refuse refuse(request, refusals);
      // Its own threads and pool: the context works without helper threads that the system refuses to start.
      const CpuContext context{.threads = 3};
      const auto layer = build<TestType>(t.sizes);
      auto gradient = gradient_for(layer);
      auto run = t.layer.forward(context, t.x_TD, t.batch);
      const auto d_x_TD = t.layer.backward(context, t.d_y_TD, {}, std::move(run.saved), gradient);
      global_norm(context, gradient);
      same = same_bits(t.layer.infer(context, t.x_TD, t.batch), expected);
      happened = refuse.happened();
    } catch (const std::bad_alloc&) {
      ++failures;
    }
  };
  // One-time allocations of the process, at its first threads and exceptions, are not leaks.
  int warming = 1;
  while (happened) attempt(std::exchange(warming, warming + 10));
  const auto before = allocated();
  failures = 0;
  // Counted in the loop and checked after it: the test framework allocates memory too.
  int leaks = 0, wrong_answers = 0, changed_weights = 0;
  happened = true;
  while (happened) {
    attempt(++requests);
    const auto after = allocated();
    leaks += after.blocks != before.blocks || after.bytes != before.bytes;
    wrong_answers += !same;
    changed_weights += !same_bits(contents(t.layer), weights);
  }
  CHECK(leaks == 0);
  CHECK(wrong_answers == 0);
  CHECK(changed_weights == 0);
  CHECK(failures > 60);
  CHECK(failures >= requests - 5);
}

TEST_CASE("a failed allocation on a helper thread fails the caller's call, and the next call works", "[allocation]") {
  const CpuContext context{.threads = 2};
  std::atomic<int> begun = 0;
  const auto both_take = [&](Index) {
    // Each of the two waits for the other, so one of them is the helper.
    for (++begun; begun < 2;) std::this_thread::yield();
    const std::vector<int> memory(1000);
    if (memory.back() != 0) ++begun;
  };
  cpu::parallel(context, 2, both_take);
  CHECK(begun == 2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    begun = 0;
    bool threw = false;
    try {
      const Refuse refuse(1, Refusals::all, Asking::helpers);
      cpu::parallel(context, 2, both_take);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    CHECK(threw);
    begun = 0;
    cpu::parallel(context, 2, both_take);
    CHECK(begun == 2);
  }
}

TEST_CASE("a product fails as a whole if a helper thread runs out of memory", "[allocation]") {
  // Eigen allocates a copy of a large operand, on the thread that multiplies.
  using ByEigen = Cpu<EigenGemm>;
  const ByEigen::Context context{.threads = 2};
  SwiGlu<float, ByEigen> layer(256, 256);
  Draw draw("large product");
  randomize(draw, layer, 0.1);
  const auto x_TD = random_matrix<float, ByEigen>(draw, 512, 256);
  const auto expected = layer.infer(context, x_TD, Batch::single(512));
  const auto batch = Batch::single(512);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  bool threw = false;
  const auto before = held(context);
  // A helper that the system has not scheduled takes no part, so several tries may be needed.
  while (!threw && std::chrono::steady_clock::now() < give_up) {
    try {
      const Refuse refuse(1, Refusals::all, Asking::helpers);
      const auto y_TD = layer.infer(context, x_TD, batch);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
  }
  CHECK(threw);
  CHECK(held(context).blocks == before.blocks);
  CHECK(same_bits(layer.infer(context, x_TD, batch), expected));
}
