/// Computes results of the library from finite inputs, in the type REAL. `values write FILE` writes them; `values check
/// FILE` compares them with a file written by a program in double that was compiled without value-changing flags.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/balance/sequence_balance.hpp"
#include "moe/routing/capacity/segment_capacity.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/sigmoid_over_chosen.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/balanced_assignment.hpp"
#include "moe/routing/router/biased_top_k.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/gshard_choice.hpp"
#include "moe/routing/router/quantile_choice.hpp"
#include "moe/routing/router/sinkhorn_choice.hpp"
#include "moe/routing/router/threshold_choice.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"

using namespace moe;

namespace {

using Real = REAL;
using B = Cpu<>;
using Tensor = Matrix<Real, B>;

/// The scale of a number's error: the largest number of its result, the number itself, or 1.
enum class Against { largest, itself, one };
/// The numbers of one result.
struct Result {
  std::string name;
  Against against;
  std::vector<double> values;
};
std::vector<Result> results;

template <class Values>
void add(const std::string& name, const Values& values, Against against = Against::largest) {
  Result result{name, against, {}};
  for (const auto value : values) result.values.push_back(static_cast<double>(value));
  results.push_back(std::move(result));
}
void add(const std::string& name, const Tensor& tensor) {
  add(name, std::vector<Real>(tensor.data(), tensor.data() + tensor.size()));
}

/// A random number of either sign, bitwise identical in every program.
Real drawn(std::uint32_t stream, std::size_t i) {
  return static_cast<Real>(static_cast<int>(random_words({stream, 0, 0}, i)[0] % 4001) - 2000) / Real(1024);
}
Tensor drawn_tensor(std::uint32_t stream, Index rows, Index cols) {
  Tensor tensor(rows, cols);
  for (Index i = 0; i < tensor.size(); ++i) tensor.data()[i] = drawn(stream, static_cast<std::size_t>(i));
  return tensor;
}

/// Forward, and backward with both auxiliary losses. Returns y_TD.
template <class Layer>
Tensor add_layer(const std::string& name, const Layer& layer, View<const Real, B> x_TD, const Batch& batch) {
  const CpuContext context{.threads = 2};
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
  add(name + " y", y_TD);
  add(name + " losses", std::vector<double>{stats.balance_loss(), stats.z_loss()}, Against::itself);
  add(name + " load", stats.load);
  Layer gradient = gradient_for(layer);
  const Tensor d_y_TD = drawn_tensor(2, y_TD.rows(), y_TD.cols());
  add(name + " d_x", layer.backward(context, d_y_TD, {.balance = 0.1, .z = 0.01}, std::move(saved), gradient));
  for_each_parameter([&](const std::string& weight, const Tensor& slope) { add(name + " d_" + weight, slope); },
                     gradient);
  add(name + " norm", std::vector<double>{global_norm(context, gradient)}, Against::itself);
  return std::move(y_TD);
}

/// The first example's y(0, 4), which is known to be 0.252345.
double first_example = 0;

void add_layers() {
  const CpuContext context;
  TokenMoE token(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<Real, B>>(6, 8, 16));
  initialize(context, token, /*seed=*/1, /*deviation=*/0.5);
  std::vector<Real> x(4 * 8);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<Real>(i % 7) - 3;
  first_example = static_cast<double>(add_layer("tokens", token, {x.data(), 4, 8}, Batch::single(4)).view()(0, 4));

  SegmentMoE segment(FixedWindow{.window = 3}, PreviousMean<Real, B>(8), TrainInfer<ExpertChoice, ThresholdChoice>{},
                     SoftmaxOverAll{}, SegmentCapacity{.factor = 1}, ExpertBank<SwiGlu<Real, B>>(3, 8, 16));
  initialize(context, segment, /*seed=*/2, /*deviation=*/0.5);
  add_layer("segments", segment, drawn_tensor(1, 17, 8), Batch::ragged({10, 7}));
}

/// SwiGLU and its backward for arguments from far left to far right, where exponentials overflow too.
void add_swiglu() {
  std::vector<Real> a, b;
  for (int i = -1600; i <= 1600; ++i)
    a.push_back(static_cast<Real>(i) / 8), b.push_back(Real(1) + static_cast<Real>(i & 3));
  std::vector<Real> h(a.size()), d_h(a.size(), Real(0.5));
  cpu::swiglu_kernels<Real>().forward(static_cast<Index>(a.size()), a.data(), b.data(), h.data());
  add("swiglu", h, Against::itself);
  const Real inner =
      cpu::swiglu_kernels<Real>().backward(static_cast<Index>(a.size()), Real(1.5), a.data(), b.data(), d_h.data());
  add("swiglu d_a", a);
  add("swiglu d_b", b, Against::itself);
  add("swiglu h again", d_h, Against::itself);
  add("swiglu inner", std::vector<Real>{inner}, Against::itself);
}

/// Row policies, for usual logits and for logits that overflow an exponential.
void add_row_policies() {
  constexpr Index experts = 8;
  for (const int scale : {1, 100}) {
    const std::string of = " of logits times " + std::to_string(scale);
    for (std::size_t row = 0; row < 6; ++row) {
      std::vector<Real> logits(experts), buffer(experts), slopes(experts), gates(experts), d_logits(experts),
          p(experts);
      std::vector<ChoiceOrder> chosen(experts);
      for (std::size_t e = 0; e < experts; ++e) {
        logits[e] = static_cast<Real>(scale) * drawn(3, row * experts + e);
        buffer[e] = drawn(4, row * experts + e) / 4;
        slopes[e] = drawn(5, row * experts + e);
      }
      const Row<const Real> z{logits.data(), experts}, d_g{slopes.data(), experts}, g{gates.data(), experts};
      const Row<const ChoiceOrder> ranks{chosen.data(), experts};
      const Row<Real> to_g{gates.data(), experts}, to_d_z{d_logits.data(), experts}, to_p{p.data(), experts};
      const Row<ChoiceOrder> to_ranks{chosen.data(), experts};
      RandomRowContext<Real> facts{};
      facts.buffer_E = {buffer.data(), experts};
      const auto add_gates = [&](const char* name, const auto& normalizer) {
        normalizer.normalize(z, ranks, to_g);
        add(name + of, gates);
        normalizer.backward(z, ranks, g, d_g, to_d_z);
        add(std::string(name) + " back" + of, d_logits, Against::one);
      };
      ThresholdChoice{}.choose(z, to_ranks, facts);
      add("threshold choice" + of, chosen);
      BiasedTopK{.k = 3, .groups = 2, .kept_groups = 1}.choose(z, to_ranks, facts);
      add("biased top k" + of, chosen);
      add_gates("sigmoid over the best three", SigmoidOverChosen{.scale = 2.5});
      GShardChoice{.k = 3, .keep = GShardChoice::always}.choose(z, to_ranks, facts);
      add("gshard choice" + of, chosen);
      // Rows with no selected expert, with one and with several.
      TopK{.k = static_cast<Index>(row)}.choose(z, to_ranks);
      add("top k" + of, chosen);
      add_gates("softmax over chosen", SoftmaxOverChosen{});
      add_gates("softmax over all", SoftmaxOverAll{.scale = 1.5});
      add_gates("sigmoid over chosen", SigmoidOverChosen{.scale = 2, .sums_to_scale = false});
      SequenceBalance{}.score(z, to_p);
      add("sequence balance" + of, p);
      std::fill(d_logits.begin(), d_logits.end(), Real(0));
      SequenceBalance{}.score_backward(z, {p.data(), experts}, d_g, Real(0.7), to_d_z);
      add("sequence balance back" + of, d_logits, Against::one);
      add("log of the sum of exponentials" + of, std::vector<Real>{log_sum_exp(z)}, Against::itself);
    }
  }
}

template <class Router>
void add_matrix_router(const char* name, const Router& router) {
  const CpuContext context;
  const Tensor logits_RE = drawn_tensor(6, 24, 4);
  Matrix<ChoiceOrder, B> chosen_RE(24, 4);
  Tensor boundary_1E(1, 4);
  router.choose(context, logits_RE.view(), 6, chosen_RE.view(), boundary_1E.view());
  add(name, std::vector<ChoiceOrder>(chosen_RE.data(), chosen_RE.data() + chosen_RE.size()));
  add(std::string(name) + ", boundaries", boundary_1E);
}

/// Three steps; in float also with split weights.
void add_optimizer() {
  const CpuContext context;
  using Layer = Linear<Real, B>;
  const AdamW adamw{.beta_2 = 0.999};
  Layer layer = Layer::without_bias(29, 3), split = Layer::without_bias(29, 3), gradient = gradient_for(layer);
  const Tensor start = drawn_tensor(7, 3, 29);
  for (Index i = 0; i < start.size(); ++i) layer.weight.data()[i] = split.weight.data()[i] = start.data()[i];
  AdamWState memory(context, layer, gradient);
#ifdef SPLIT
  AdamWState<B, float, MasterWeights::split> of_split(context, split, gradient);
#endif
  for (std::uint32_t step = 1; step <= 3; ++step) {
    for (Index i = 0; i < start.size(); ++i)
      gradient.weight.data()[i] = drawn(7 + step, static_cast<std::size_t>(i)) * (i % 5 == 0 ? Real(1e-6) : Real(1));
    adamw.step(context, 0.01, step, clip_factor(global_norm(context, gradient), 1), layer, gradient, memory);
#ifdef SPLIT
    adamw.step(context, 0.01, step, clip_factor(global_norm(context, gradient), 1), split, gradient, of_split);
#endif
  }
  add("AdamW", layer.weight);
  const auto& [m, v, lower] = memory.tensors()[0];
  add("AdamW m", std::vector<Real>(m.data(), m.data() + m.size()), Against::itself);
  add("AdamW v", std::vector<Real>(v.data(), v.data() + v.size()), Against::itself);
#ifdef SPLIT
  for (Index i = 0; i < split.weight.size(); ++i)
    split.weight.data()[i] = joined(BFloat16(split.weight.data()[i]), of_split.tensors()[0].lower.data()[i]);
#else
  split = std::move(layer);
#endif
  add("AdamW, split", split.weight);
}

void add_small_things() {
  std::vector<double> normals, narrow;
  for (std::uint64_t i = 0; i < 500; ++i) normals.push_back(random_normal({1, 2, 3}, i));
  for (std::size_t i = 0; i < 500; ++i)
    narrow.push_back(static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(drawn(11, i))))));
  add("normal numbers", normals, Against::itself);
  add("bfloat16", narrow, Against::itself);
}

/// Returns whether all results equal those of the file, to the precision of REAL; prints the first deviation of each.
bool check(std::istream& file) {
  const double bar = sizeof(Real) == 4 ? 2e-5 : 1e-12;
  // The known value has six digits.
  bool right = std::abs(first_example - 0.252345) < 5e-7 + bar * 0.252345;
  if (!right) std::printf("the first example's y(0, 4): %.9g, must be 0.252345\n", first_example);
  for (const Result& result : results) {
    double largest = 0;
    std::vector<double> expected(result.values.size());
    for (double& value : expected) {
      std::string text;
      file >> text;
      value = std::strtod(text.c_str(), nullptr);
      largest = std::max(largest, std::abs(value));
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      // Numbers this small may be rounded to 0.
      const double own = result.against == Against::itself ? std::abs(expected[i]) : largest;
      const double size = result.against == Against::one ? 1 : std::max(own, 1e-30);
      // Comparisons do not detect NaN with -ffinite-math-only, so the printed text is searched for it.
      char text[64];
      std::snprintf(text, sizeof text, "%.9g", result.values[i]);
      const bool is_number = std::strpbrk(text, "nN") == nullptr;
      if (is_number && std::abs(result.values[i] - expected[i]) <= bar * size) continue;
      std::printf("%s, number %d: %s, must be %.9g\n", result.name.c_str(), int(i), text, expected[i]);
      right = false;
      break;
    }
  }
  if (std::string more; file >> more || file.bad()) {
    std::printf("the file holds other results\n");
    return false;
  }
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || (std::strcmp(argv[1], "write") != 0 && std::strcmp(argv[1], "check") != 0)) {
    std::fputs("usage: values write|check FILE\n", stderr);
    return 2;
  }
  add_layers();
  add_swiglu();
  add_row_policies();
  add_matrix_router("expert choice", ExpertChoice{});
  add_matrix_router("sinkhorn", SinkhornChoice{.k = 1});
  add_matrix_router("quantile", QuantileChoice{.k = 1});
  add_matrix_router("balanced assignment", BalancedAssignment{});
  add_optimizer();
  add_small_things();
  if (std::strcmp(argv[1], "check") == 0) {
    std::ifstream file(argv[2]);
    return check(file) ? 0 : 1;
  }
  std::FILE* file = std::fopen(argv[2], "w");
  if (file == nullptr) return 1;
  for (const Result& result : results)
    for (const double value : result.values) std::fprintf(file, "%a\n", value);
  return std::fclose(file) == 0 ? 0 : 1;
}
