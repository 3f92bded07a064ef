/// Prints a hash of the bits of everything that each composition computes on the CPU: outputs, gradients, losses, what
/// is learned outside gradients, decoding. tests/same_bits/compare.sh builds this with the headers of two commits.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "moe/moe.hpp"
#include "support/composition_list.hpp"
#include "support/random_tensors.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

class Hash {
 public:
  template <class Real>
  void add(const Real* values, Index count) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count) * sizeof(Real); ++i)
      state_ = (state_ ^ bytes[i]) * 0x100000001b3ULL;
  }
  template <class M>
  void add(const M& matrix) {
    add(matrix.data(), matrix.size());
  }
  void add(double value) { add(&value, 1); }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

template <class Layer>
constexpr const char* kind_of = "layer";
template <class Token, class Segment, class F>
constexpr const char* kind_of<HybridMoE<Token, Segment, F>> = "hybrid";

int composition = 0;

void print(const char* list, const char* kind, const char* what, const Hash& hash) {
  std::printf("%s %d %s %s %016llx\n", list, composition, kind, what, static_cast<unsigned long long>(hash.value()));
}

template <class Layer>
void run(const char* list) {
  using Real = typename Layer::Value;
  ++composition;
  Hash outputs, gradients, learned, decoded;
  for (std::uint32_t turn = 0; turn < 6; ++turn) {
    Draw draw("bits", 100 * static_cast<std::uint32_t>(composition) + turn);
    Sizes sizes{.width = 12, .hidden = 20, .experts = 6, .k = 2, .window = 3, .minimum = 2};
    sizes.capacity_factor = turn % 2 == 0 ? 1.0 : 0.7;
    sizes.normalise = turn < 3 ? NormaliseGates::before_dropping : NormaliseGates::after_dropping;
    auto layer = build<Layer>(sizes);
    randomise(draw, layer, 0.7);
    std::vector<std::int32_t> tokens;
    Batch batch = Batch::ragged({7, 0, 13, 1, 10});
    for (Index t = 0; t < batch.rows(); ++t) tokens.push_back(static_cast<std::int32_t>(draw.between(0, 5)));
    batch.tokens = tokens;
    batch.random = StepKey{.seed = turn, .step = 3};
    const auto x_TD = random_matrix<Real, Cpu<>>(draw, batch.rows(), layer.width());
    const auto d_y_TD = random_matrix<Real, Cpu<>>(draw, batch.rows(), layer.width());
    const CpuContext context{.threads = 2};

    auto [y_TD, saved, stats] = layer.forward(context, x_TD.view(), batch);
    outputs.add(y_TD);
    outputs.add(stats.balance_loss());
    outputs.add(stats.z_loss());
    Layer gradient = gradient_for(layer);
    const auto d_x_TD = layer.backward(context, d_y_TD.view(), {.balance = 0.3, .z = 0.1}, std::move(saved), gradient);
    gradients.add(d_x_TD);
    for_each_parameter([&](const std::string&, const auto& tensor) { gradients.add(tensor); }, gradient);
    layer.absorb(context, stats);
    for_each_buffer([&](const std::string&, const auto& tensor) { learned.add(tensor); }, layer);
    outputs.add(layer.infer(context, x_TD.view(), batch));
    if constexpr (Layer::is_causal) {
      // Rows of each sequence, the first of them by prefill.
      auto state = layer.begin_decoding(context, 2);
      const Batch start = Batch::sequences(2, 5);
      Batch with_tokens = start;
      with_tokens.tokens = std::span(tokens).first(10);
      decoded.add(layer.prefill(context, x_TD.view().rows_between(0, 10), with_tokens, state));
      for (Index step = 10; step + 2 <= batch.rows(); step += 2)
        decoded.add(layer.decode(context, x_TD.view().rows_between(step, step + 2),
                                 std::span(tokens).subspan(static_cast<std::size_t>(step), 2), state));
    }
  }
  print(list, kind_of<Layer>, "forward", outputs);
  print(list, kind_of<Layer>, "backward", gradients);
  print(list, kind_of<Layer>, "absorb", learned);
  print(list, kind_of<Layer>, "decode", decoded);
}

template <class Real>
void run_all(const char* type) {
  const auto all = [&]<class Layer>() { run<Layer>(type); };
  composition = 0;
  for_each_composition<on::TokenCompositions<Real, Cpu<>>>(all);
  for_each_composition<on::SegmentCompositions<Real, Cpu<>>>(all);
  for_each_composition<on::HybridCompositions<Real, Cpu<>>>(all);
  for_each_composition<on::SeparateCompositions<Real, Cpu<>>>(all);
  for_each_composition<on::Strategies<Real, Cpu<>>>(all);
}

}  // namespace

int main() {
  run_all<float>("float");
  run_all<double>("double");
}
