#include <cstring>
#include <vector>

#include "backend/cpu/instruction_sets.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/slow_build.hpp"

namespace determinism_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Tensor = Matrix<float, Cpu<>>;
using ConstView = View<const float, Cpu<>>;

/// The bytes of all results of a training step and an inference.
class Trace {
 public:
  void add(const Tensor& tensor) {
    const std::size_t at = bytes_.size(), size = static_cast<std::size_t>(tensor.size()) * sizeof(float);
    bytes_.resize(at + size);
    if (size > 0) std::memcpy(bytes_.data() + at, tensor.data(), size);
  }
  void add(double value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(value));
    std::memcpy(bytes_.data() + at, &value, sizeof(value));
  }
  bool operator==(const Trace&) const = default;

 private:
  std::vector<unsigned char> bytes_;
};

template <class Layer>
Trace run(const Layer& layer, int threads, ConstView x_TD, ConstView d_y_TD, const Batch& batch) {
  const CpuContext context{.threads = threads};
  Layer gradient = gradient_for(layer);
  Trace trace;
  auto forward = layer.forward(context, x_TD, batch);
  trace.add(forward.output);
  trace.add(forward.stats.balance_loss());
  if constexpr (requires { forward.stats.segment; }) trace.add(forward.stats.segment.boundary_1E);
  trace.add(layer.backward(context, d_y_TD, {.balance = 0.01}, std::move(forward.saved), gradient));
  for_each_parameter([&](const std::string&, const auto& d_weight) { trace.add(d_weight); }, gradient);
  trace.add(layer.infer(context, x_TD, batch));
  return trace;
}

/// Several tiles in each direction: rows and columns above 256, and neither a multiple of it.
const Index rows = 600, width = 300, hidden = 41;

}  // namespace

TEST_CASE("results are bitwise identical for any number of threads, in every run and at any input address",
          "[layers][determinism]") {
  auto layer = make_multipl<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>>(
      {.width = width, .hidden = hidden, .token_experts = 3, .segment_experts = 3, .window = 32});
  Draw draw("determinism");
  randomize(draw, layer, 0.1);
  // Several sequences: the gradient of the vector that routes first segments is a sum over them.
  const Batch batch = Batch::ragged({257, 90, 1, 122, 130});
  const auto x_TD = random_matrix<float, Cpu<>>(draw, rows, width),
             d_y_TD = random_matrix<float, Cpu<>>(draw, rows, width);
  const Trace first = run(layer, 1, x_TD, d_y_TD, batch);

  for (const int threads : {2, 3, 4, 7, 8}) {
    INFO(threads << " threads");
    CHECK(run(layer, threads, x_TD, d_y_TD, batch) == first);
  }
  const int repeats = is_slow_build ? 2 : 20;
  for (int repeat = 0; repeat < repeats; ++repeat) CHECK(run(layer, 2 + repeat % 2, x_TD, d_y_TD, batch) == first);
  for (const Index shift : {1, 3}) {
    std::vector<float> x(static_cast<std::size_t>(rows * width + shift)), d_y = x;
    std::copy_n(x_TD.data(), rows * width, x.data() + shift);
    std::copy_n(d_y_TD.data(), rows * width, d_y.data() + shift);
    INFO("shift " << shift);
    CHECK(run(layer, 2, {x.data() + shift, rows, width}, {d_y.data() + shift, rows, width}, batch) == first);
  }
  auto other = x_TD.copy();
  other.data()[0] += 1e-3f;
  CHECK_FALSE(run(layer, 2, other, d_y_TD, batch) == first);
}

TEST_CASE("results of small shapes are bitwise identical for unaligned inputs too", "[layers][determinism]") {
  for (const Index t : {1, 2, 5})
    for (const Index d : {1, 5, 33, 257})
      for (const Index f : {1, 7, 257}) {
        Draw draw("odd addresses", static_cast<std::uint32_t>(t * 100000 + d * 1000 + f));
        SwiGlu<float, Cpu<>> layer(d, f);
        randomize(draw, layer);
        const auto x = random_matrix<float, Cpu<>>(draw, t, d), d_y = random_matrix<float, Cpu<>>(draw, t, d);
        const Trace first = run(layer, 1, x, d_y, Batch::single(t));
        for (Index shift = 1; shift < 4; ++shift) {
          std::vector<float> there(static_cast<std::size_t>(t * d + shift)), gradient_there = there;
          std::copy_n(x.data(), t * d, there.data() + shift);
          std::copy_n(d_y.data(), t * d, gradient_there.data() + shift);
          INFO(t << " rows of " << d << ", " << f << " inner, shift " << shift);
          CHECK(run(layer, 2, {there.data() + shift, t, d}, {gradient_there.data() + shift, t, d}, Batch::single(t)) ==
                first);
        }
      }
}

TEST_CASE("a training step is bitwise identical in all instruction sets with a fused multiply-add",
          "[layers][determinism]") {
  auto layer = make_multipl<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>>(
      {.width = width, .hidden = hidden, .token_experts = 3, .segment_experts = 3, .window = 32});
  Draw draw("instruction sets");
  randomize(draw, layer, 0.1);
  const Batch batch = Batch::ragged({257, 90, 1, 122, 130});
  const auto x_TD = random_matrix<float, Cpu<>>(draw, rows, width),
             d_y_TD = random_matrix<float, Cpu<>>(draw, rows, width);
  check_equal_in_fused_sets([&] { return run(layer, 2, x_TD, d_y_TD, batch); });
}

}  // namespace determinism_test
