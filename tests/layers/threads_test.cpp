/// Layers used by several threads at once: each thread's results must be bitwise identical to those that it gets alone.
/// The thread sanitizer runs the same cases.
#include <cstring>
#include <thread>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace threads_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Layer = CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>;
using Tensor = Matrix<float, Cpu<>>;

const MultiPlSettings settings{.width = 12, .hidden = 20, .token_experts = 3, .segment_experts = 3, .window = 8};
const Index rows = 100;

/// The data of one thread.
struct Work {
  Layer layer = make_multipl<Layer>(settings);
  Tensor x_TD, d_y_TD;

  explicit Work(std::uint32_t number) {
    Draw draw("threads", number);
    randomize(draw, layer, 0.3);
    x_TD = random_matrix<float, Cpu<>>(draw, rows, settings.width);
    d_y_TD = random_matrix<float, Cpu<>>(draw, rows, settings.width);
  }
};

void append(std::vector<float>& bits, const Tensor& tensor) {
  bits.insert(bits.end(), tensor.data(), tensor.data() + tensor.size());
}

/// All results of a layer that is not modified.
std::vector<float> use(const CpuContext& context, const Layer& layer, const Work& work) {
  std::vector<float> bits;
  const Batch batch = Batch::sequences(2, rows / 2);
  Layer gradient = gradient_for(layer);
  for (int repeat = 0; repeat < 5; ++repeat) {
    auto run = layer.forward(context, work.x_TD, batch);
    append(bits, run.output);
    append(bits, layer.backward(context, work.d_y_TD, {.balance = 0.1}, std::move(run.saved), gradient));
    append(bits, layer.infer(context, work.x_TD, batch));
    auto state = layer.begin_decoding(context, 1);
    append(bits, layer.decode(context, work.x_TD.const_view().rows_between(0, 1), {}, state));
  }
  for_each_parameter([&](const std::string&, const auto& slope) { append(bits, slope); }, gradient);
  return bits;
}

/// A few training steps of a thread's own layer.
std::vector<float> train(const CpuContext& context, Work& work) {
  std::vector<float> bits;
  Layer gradient = gradient_for(work.layer);
  AdamWState memory(context, work.layer, gradient);
  for (Index step = 1; step <= 5; ++step) {
    auto run = work.layer.forward(context, work.x_TD, Batch::single(rows));
    work.layer.backward(context, work.d_y_TD, {}, std::move(run.saved), gradient);
    const double scale = clip_factor(global_norm(context, gradient), 1);
    AdamW{}.step(context, 1e-2, step, scale, work.layer, gradient, memory);
    work.layer.update_buffers(context, run.stats);
    set_to_zero(context, gradient);
  }
  for_each_parameter([&](const std::string&, const auto& weight) { append(bits, weight); }, work.layer);
  append(bits, work.layer.segment.routing.thresholds_E);
  return bits;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Runs job(i) for i in [0, count), each on its own thread, and returns the results.
template <class Job>
std::vector<std::vector<float>> at_once(int count, const Job& job) {
  std::vector<std::vector<float>> results(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] { results[static_cast<std::size_t>(i)] = job(static_cast<std::uint32_t>(i)); });
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace

TEST_CASE("two layers train in two threads, each with its own context", "[layers][threads]") {
  const auto job = [](std::uint32_t number) {
    const CpuContext context{.threads = 2};
    Work work(number);
    return train(context, work);
  };
  const auto alone_0 = job(0), alone_1 = job(1);
  const auto together = at_once(2, job);
  CHECK(same_bits(together[0], alone_0));
  CHECK(same_bits(together[1], alone_1));
  CHECK_FALSE(same_bits(alone_0, alone_1));
}

TEST_CASE("four threads use one unmodified layer, each with its own context", "[layers][threads]") {
  const Work shared(0);
  const auto job = [&](std::uint32_t number) {
    const CpuContext context{.threads = 2};
    return use(context, shared.layer, Work(number));
  };
  const auto together = at_once(4, job);
  for (std::uint32_t i = 0; i < 4; ++i) {
    INFO("thread " << i);
    CHECK(same_bits(together[i], job(i)));
  }
}

TEST_CASE("threads may share a context, a copy of one, and the layer too", "[layers][threads]") {
  const CpuContext context{.threads = 3}, copy = context;
  const Work shared(0);
  const auto job = [&](std::uint32_t number) {
    return use(number % 2 == 0 ? context : copy, shared.layer, Work(number));
  };
  const auto together = at_once(3, job);
  for (std::uint32_t i = 0; i < 3; ++i) {
    INFO("thread " << i);
    CHECK(same_bits(together[i], job(i)));
  }
}

}  // namespace threads_test
