/// Prints a hash of the bits of everything that each composition computes on the CPU: outputs, gradients, losses,
/// buffers, decoding. tests/same_bits/compare.sh builds this with the headers of two commits.
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

void print(const std::string& name, const char* kind, const char* what, const Hash& hash) {
  std::printf("%s %s %s %016llx\n", name.c_str(), kind, what, static_cast<unsigned long long>(hash.value()));
}

template <class Layer>
void run(const std::string& name) {
  using Real = typename Layer::Value;
  Hash outputs, gradients, learned, decoded;
  for (std::uint32_t turn = 0; turn < 6; ++turn) {
    Draw draw(name, turn);
    Sizes sizes{.width = 12, .hidden = 20, .experts = 6, .k = 2, .window = 3, .minimum = 2};
    sizes.capacity_factor = turn % 2 == 0 ? 1.0 : 0.7;
    sizes.normalize = turn < 3 ? NormalizeGates::before_dropping : NormalizeGates::after_dropping;
    auto layer = build<Layer>(sizes);
    randomize(draw, layer, 0.7);
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
    layer.update_buffers(context, stats);
    for_each_buffer([&](const std::string&, const auto& tensor) { learned.add(tensor); }, layer);
    outputs.add(layer.infer(context, x_TD.view(), batch));
    if constexpr (Layer::is_causal) {
      // The first five rows of both sequences by prefill, the rest by decode.
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
  print(name, kind_of<Layer>, "forward", outputs);
  print(name, kind_of<Layer>, "backward", gradients);
  print(name, kind_of<Layer>, "update_buffers", learned);
  print(name, kind_of<Layer>, "decode", decoded);
}

// Listed one by one: a composition that is new in the tests' lists has nothing to be compared with.
template <class Real>
void run_all(const std::string& type) {
  using B = Cpu<>;
  run<Mixtral<Real, B>>(type + " mixtral");
  run<Qwen15Moe<Real, B>>(type + " qwen15");
  run<on::SharedRouted<Real, B>>(type + " shared, routed balance");
  run<on::TokenExpertChoice<Real, B>>(type + " expert choice");
  run<on::Dropping<Real, B>>(type + " dropping");
  run<on::DroppingRaw<Real, B>>(type + " dropping raw");
  run<on::SegmentByOwnMean<Real, B>>(type + " segments by mean");
  run<on::SegmentByPreviousMean<Real, B>>(type + " segments by previous mean");
  run<on::SegmentTopK<Real, B>>(type + " segments top-k");
  run<on::SegmentReleased<Real, B>>(type + " segments as released");
  run<on::SegmentByLine<Real, B>>(type + " segments by line");
  run<on::SegmentDropping<Real, B>>(type + " segments dropping");
  run<on::SegmentLiteral<Real, B>>(type + " segments fed");
  run<on::SegmentPooledBefore<Real, B>>(type + " segments fed with the one before");
  run<MultiPlMoe<Real, B>>(type + " multipl");
  run<MultiPlMoe<Real, B, NormalizedFusion>>(type + " multipl normalized");
  run<CausalMultiPlMoe<Real, B>>(type + " causal");
  run<CausalMultiPlMoe<Real, B, NormalizedFusion>>(type + " causal normalized");
  run<CausalMultiPlMoe<Real, B, ScalarFusion<Real, B>>>(type + " causal scalar");
  run<HybridMoE<on::Dropping<Real, B>, on::SegmentDropping<Real, B>, NormalizedFusion>>(type + " hybrid dropping");
  run<CausalMultiPlMoe<Real, B, ChannelFusion<Real, B>>>(type + " causal channel");
  run<MultiPlMoeReleased<Real, B, MatrixFusion<Real, B>>>(type + " released matrix");
  run<MultiPlMoeLiteral<Real, B>>(type + " literal");
  run<HybridMoE<on::SharedRouted<Real, B>, on::SegmentPooledBefore<Real, B>, NormalizedFusion>>(type + " hybrid fed");
  run<HybridMoE<Qwen15Moe<Real, B>, on::SegmentByLine<Real, B>, ScalarFusion<Real, B>>>(type + " hybrid qwen15");
  run<SwitchMoe<Real, B>>(type + " switch");
  run<GShardMoe<Real, B>>(type + " gshard");
  run<DeepSeekMoe<Real, B>>(type + " deepseek");
  run<DeepSeekV2Moe<Real, B>>(type + " deepseek-v2");
  run<DeepSeekV3Moe<Real, B>>(type + " deepseek-v3");
  run<HashMoe<Real, B>>(type + " hash");
  run<ReMoe<Real, B>>(type + " remoe");
  run<SinkhornMoe<Real, B>>(type + " sinkhorn");
  run<on::RandomMoe<Real, B>>(type + " random");
  run<BaseMoe<Real, B>>(type + " base");
  run<on::QuantileMoe<Real, B>>(type + " quantile");
  run<on::SwitchInTraining<Real, B>>(type + " switch in training");
}

}  // namespace

int main() {
  run_all<float>("float");
  run_all<double>("double");
}
