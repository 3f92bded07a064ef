/// The code of docs/02_write_a_policy.md.
#include <cmath>
#include <moe/moe.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rows.hpp"

namespace write_a_policy_test {

using moe::testing::check_layer_gradients;
using moe::testing::Draw;
using moe::testing::random_matrix;
using moe::testing::randomize;
using moe::testing::Tensor;
// [bank]
using Cpu = moe::Cpu<>;
using Bank = moe::ExpertBank<moe::SwiGlu<double, Cpu>>;  // Bank(experts, width, inner channels)
// [/bank]

namespace {

// [router]
/// The best expert, and every other expert with a logit at most `margin` below the best.
struct MarginChoice {
  double margin = 1;

  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> logits_E, moe::Row<moe::ChoiceOrder> chosen_E) const {
    const Real best = max(logits_E);
    for (moe::Index e = 0; e < logits_E.size; ++e) {
      const Real behind = best - logits_E[e];
      chosen_E[e] = behind == 0 ? 1 : behind <= static_cast<Real>(margin) ? 2 : 0;
    }
  }
};
// [/router]

// [context_router]
/// First choice: the expert of the row's language. Second choice: the best of the others.
struct LanguageChoice {
  static constexpr bool is_batch_invariant = true;  // it reads the row's language, not its position in the batch

  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> logits_E, moe::Row<moe::ChoiceOrder> chosen_E,
                              moe::RowContext<Real> row) const {
    for (moe::ChoiceOrder& order : chosen_E) order = 0;
    const bool known = row.language >= 0 && row.language < chosen_E.size;
    if (known) chosen_E[row.language] = 1;
    moe::choose_best(logits_E, chosen_E, known ? 2 : 1);
  }
};
// [/context_router]

// [activation]
/// log(1 + exp(z)), a smooth approximation of ReLU.
struct Softplus {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z > 30 ? z : std::log1p(std::exp(z));
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    return moe::sigmoid(z);
  }
};
// [/activation]

// [expert]
/// f(x) = tanh(x W^T), with one square matrix.
template <class Value, class B>
struct TanhExpert : moe::AsLayer<TanhExpert<Value, B>, Value, B> {
  using Base = moe::AsLayer<TanhExpert, Value, B>;
  using typename Base::Context, typename Base::ConstView, typename Base::ConstGates, typename Base::Gates;
  using Tensor = moe::Matrix<Value, B>;
  using GroupSaved = Tensor;  // what backward needs: f(x)
  template <class Other>
  using rebind = TanhExpert<Other, B>;
  static constexpr std::string_view name = "TanhExpert";  // in errors

  Tensor weight;

  explicit TanhExpert(moe::Index width = 0) : weight(width, width) {}
  moe::Index width() const { return weight.cols(); }
  bool keeps(const Tensor& saved, moe::Index rows) const { return saved.rows() == rows && saved.cols() == width(); }

  static std::pair<Tensor, Tensor> forward_groups(const Context& context, moe::ExpertSpan<const TanhExpert> experts,
                                                  ConstView x_ND, const moe::GroupOffsets& offsets) {
    auto f_ND = Tensor::uninitialized(context, x_ND.rows, x_ND.cols);
    B::grouped_product(context, x_ND, weights_of(context, experts, &TanhExpert::weight), offsets, f_ND.view());
    B::for_each_cell(context, x_ND.rows, x_ND.cols,
                     [f = f_ND.view()] MOE_ON_DEVICE(moe::Index n, moe::Index d) { f(n, d) = std::tanh(f(n, d)); });
    return {f_ND.copy(), std::move(f_ND)};
  }
  /// y_n = g_n f(x_n), or f(x_n) without gates: d_g = <d_y, f>, d_z = g d_y (1 - f^2), d_W = d_z^T x, d_x = d_z W.
  template <class GradientTree>
  static Tensor backward_groups(const Context& context, moe::ExpertSpan<const TanhExpert> experts, ConstView d_y_ND,
                                ConstGates gates_1N, moe::ListView<moe::Index> offsets, ConstView x_ND, Tensor f_ND,
                                Gates d_gates_1N, moe::ExpertSpan<GradientTree> gradients) {
    B::for_each_row(context, x_ND.rows, [=, f = f_ND.view()] MOE_ON_DEVICE(moe::Index n, typename B::Team team) {
      Value sum = 0;
      for (moe::Index d = team.rank(); d < f.cols; d += team.size()) {
        sum += d_y_ND(n, d) * f(n, d);
        f(n, d) = (gates_1N.empty() ? 1 : gates_1N(0, n)) * d_y_ND(n, d) * (1 - f(n, d) * f(n, d));  // now d_z
      }
      sum = team.sum(sum);
      if (!gates_1N.empty() && team.rank() == 0) d_gates_1N(0, n) = sum;
    });
    moe::add_wgrads<Value, B>(context, f_ND, x_ND, offsets, gradients, &GradientTree::weight);
    auto d_x_ND = Tensor::zeros(context, x_ND.rows, x_ND.cols);
    B::add_grouped_dgrad(context, f_ND, weights_of(context, experts, &TanhExpert::weight), offsets, d_x_ND.view());
    return d_x_ND;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "weight", trees.weight...);
  }
};
// [/expert]

// [random_router]
/// One expert at random, each with the same probability.
struct Lottery {
  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> /*logits_E*/, moe::Row<moe::ChoiceOrder> chosen_E,
                              moe::RandomRowContext<Real> row) const {
    for (moe::ChoiceOrder& order : chosen_E) order = 0;
    const auto words = moe::random_words(row.random, static_cast<std::uint64_t>(row.row));
    chosen_E[words[0] % static_cast<std::uint32_t>(chosen_E.size)] = 1;
  }
};
// [/random_router]

// [matrix_router]
/// Each expert selects the rows with its largest logits; ExpertChoice compares softmax scores instead.
struct LogitChoice {
  template <class B, class Real>
  void choose(const typename B::Context& context, moe::View<const Real, B> logits_RE, moe::Index take,
              moe::View<moe::ChoiceOrder, B> chosen_RE, moe::View<Real, B> boundary_1E) const {
    B::top_rows(context, logits_RE, take, chosen_RE, boundary_1E);
  }
};
// [/matrix_router]

// [normalizer]
/// g_i = sigmoid(z_i) for selected experts: each gate independent of the others, so they do not sum to 1.
struct SigmoidGates {
  template <class Real>
  MOE_HOST_DEVICE void normalize(moe::Row<const Real> logits_E, moe::Row<const moe::ChoiceOrder> chosen_E,
                                 moe::Row<Real> gates_E) const {
    using std::exp;
    for (moe::Index e = 0; e < gates_E.size; ++e) gates_E[e] = chosen_E[e] != 0 ? 1 / (1 + exp(-logits_E[e])) : Real(0);
  }

  /// dz_i = dg_i g_i (1 - g_i), which is 0 where g_i is.
  template <class Real>
  MOE_HOST_DEVICE void backward(moe::Row<const Real>, moe::Row<const moe::ChoiceOrder>, moe::Row<const Real> gates_E,
                                moe::Row<const Real> d_gates_E, moe::Row<Real> d_logits_E) const {
    for (moe::Index e = 0; e < gates_E.size; ++e) d_logits_E[e] = d_gates_E[e] * gates_E[e] * (1 - gates_E[e]);
  }
};
// [/normalizer]

// [capacity]
/// A fixed number of rows for an expert that selects rows.
struct FixedCapacity {
  moe::Index room = 8;

  moe::Index rows_per_expert(moe::Demand) const { return room; }
};
// [/capacity]

// [dropping]
/// The same for experts that rows select: the overflow is dropped, and gates are normalized over the remaining pairs.
struct DroppingFixedCapacity {
  moe::Index room = 8;
  moe::NormalizeGates normalize = moe::NormalizeGates::after_dropping;

  moe::Index rows_per_expert(moe::Demand) const { return room; }
};
// [/dropping]

// [segmenter]
/// A segment ends after a statement: after `;` or `}`, and after at most `maximum` rows.
struct StatementWindow {
  moe::Index maximum = 64;

  bool ends_after(moe::Index length, std::int32_t token) const {
    return token == ';' || token == '}' || length >= maximum;
  }
};
// [/segmenter]

// [stateful_segmenter]
/// A segment ends where the speaker changes. A table has one number for each token: 0, or the speaker that it names.
struct SpeakerWindow {
  moe::Index maximum = 64;

  static constexpr moe::Index features = 1;
  struct State {
    float speaker = 0;
  };
  bool starts_before(const State& state, moe::Index length, const float* token) const {
    return length >= maximum || (token != nullptr && *token != 0 && *token != state.speaker);
  }
  void read(State& state, const float* token) const {
    if (token != nullptr && *token != 0) state.speaker = *token;
  }
};
// [/stateful_segmenter]

// [pooling]
/// The summary of a segment is its last row.
struct LastPool {
  template <class Real, class B>
  struct Saved {};

  /// x_TD -> last_VD; segment v holds rows [begin[v], begin[v+1]).
  template <class Real, class B>
  static Saved<Real, B> forward(const typename B::Context& context, moe::View<const Real, B> x_TD,
                                moe::View<const moe::Index, B> begin_1V, moe::View<Real, B> last_VD) {
    B::for_each_cell(context, last_VD.rows, last_VD.cols, [=] MOE_ON_DEVICE(moe::Index v, moe::Index d) {
      last_VD(v, d) = x_TD(begin_1V(0, v + 1) - 1, d);
    });
    return {};
  }
  /// d_x[last row of v] += d_last[v].
  template <class Real, class B>
  static void add_backward(const typename B::Context& context, moe::View<const Real, B> d_last_VD,
                           moe::View<const moe::Index, B> begin_1V, const Saved<Real, B>&, moe::View<Real, B> d_x_TD) {
    B::for_each_cell(context, d_last_VD.rows, d_last_VD.cols, [=] MOE_ON_DEVICE(moe::Index v, moe::Index d) {
      d_x_TD(begin_1V(0, v + 1) - 1, d) += d_last_VD(v, d);
    });
  }

  /// Decoding: the summary after one more value, and the final summary.
  template <class Real>
  MOE_HOST_DEVICE static Real accumulated(Real /*so_far*/, Real value, moe::Index /*rows before*/) {
    return value;
  }
  template <class Real>
  MOE_HOST_DEVICE static Real finished(Real so_far, moe::Index /*rows*/) {
    return so_far;
  }
};
// [/pooling]

// [balance]
/// The balance loss covers only the experts `first`, `first` + 1, ...
struct BalanceFrom {
  moe::Index first = 1;

  MOE_HOST_DEVICE bool counts(moe::Index expert) const { return expert >= first; }
};
// [/balance]

// [routing_module]
/// Each row goes to the expert with its largest logit z; the routing weight is sigmoid(z).
struct SigmoidTopOne : moe::StatelessRouting<SigmoidTopOne, double, Cpu> {
  moe::Linear<double, Cpu> gate;  // [experts, width]

  /// What backward needs.
  struct Saved {
    moe::Matrix<moe::ChoiceOrder, Cpu> chosen_TE;
    Tensor weights_TE;
  };
  using RoutingResult = moe::RoutingResultOf<Saved, Real, Backend>;

  moe::Index width() const { return gate.in(); }
  moe::Index experts() const { return gate.out(); }
  bool keeps(const Saved& saved, moe::Index rows) const {
    return saved.weights_TE.rows() == rows && saved.weights_TE.cols() == experts();
  }

  /// Mode is moe::Training or moe::Inference; this module does the same in both.
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const moe::Batch&) const {
    const Tensor logits_TE = gate.forward_row_by_row(context, x_TD);
    Saved saved{moe::Matrix<moe::ChoiceOrder, Cpu>(x_TD.rows, experts()), Tensor(x_TD.rows, experts())};
    Backend::for_each(context, x_TD.rows,
                      [z_TE = logits_TE.view(), chosen_TE = saved.chosen_TE.view(),
                       weights_TE = saved.weights_TE.view()] MOE_ON_DEVICE(moe::Index t) {
                        moe::TopK{.k = 1}.choose(z_TE.row(t), chosen_TE.row(t));
                        for (moe::Index e = 0; e < z_TE.cols; ++e)
                          weights_TE(t, e) = chosen_TE(t, e) != 0 ? moe::sigmoid(z_TE(t, e)) : 0;
                      });
    auto route = moe::begin_route<Real, Backend>(context, saved.chosen_TE.const_view(), saved.weights_TE.const_view());
    return {std::move(route), std::move(saved)};
  }
  /// d_weights_1N has one entry for each pair (row, expert) of `part`; dz = dw w (1 - w).
  template <class Gradient>
  void backward(const Context& context, const moe::PlanPart<Cpu>& part, ConstView d_weights_1N, const LossGradients&,
                const Saved& saved, ConstView x_TD, Gradient& gradient, moe::View<double, Cpu> d_x_TD) const {
    Tensor d_TE = moe::gates_of_pairs_backward<Real, Backend>(context, d_weights_1N, x_TD.rows, part);
    Backend::for_each_cell(context, d_TE.rows(), d_TE.cols(),
                           [d = d_TE.view(), w = saved.weights_TE.view()] MOE_ON_DEVICE(moe::Index t, moe::Index e) {
                             d(t, e) *= w(t, e) * (1 - w(t, e));
                           });
    gate.add_backward_row_by_row(context, d_TE.view(), x_TD, gradient.gate, d_x_TD);
  }

  SigmoidTopOne empty_tree() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    moe::Linear<double, Cpu>::visit_parameters(visit, prefix + "gate.", trees.gate...);
  }
};
// [/routing_module]

// [gate_fusion]
/// The token level is scaled by 1 minus the sum of the segment level's gates: y = (1 - mass) O_token + O_segment.
struct Remainder {
  template <class Real, class B>
  moe::Matrix<Real, B> scales(const typename B::Context& context, moe::View<const Real, B> mass_1T) const {
    auto scale = moe::Matrix<Real, B>::uninitialized(context, mass_1T.cols, 2);
    B::for_each_element(context, mass_1T.cols, [=, scale_T2 = scale.view()] MOE_ON_DEVICE(moe::Index t) {
      scale_T2(t, 0) = 1 - mass_1T(0, t);
      scale_T2(t, 1) = 1;
    });
    return scale;
  }
  /// d_mass = -d_scale_0.
  template <class Real, class B>
  moe::Matrix<Real, B> scales_backward(const typename B::Context& context, moe::View<const Real, B> mass_1T,
                                       moe::View<const Real, B> /*scale_T2*/, moe::View<const Real, B> d_scale_T2,
                                       Remainder& /*gradient*/) const {
    auto d_mass = moe::Matrix<Real, B>::uninitialized(context, 1, mass_1T.cols);
    B::for_each_element(context, mass_1T.cols, [=, d_mass_1T = d_mass.view()] MOE_ON_DEVICE(moe::Index t) {
      d_mass_1T(0, t) = -d_scale_T2(t, 0);
    });
    return d_mass;
  }

  Remainder empty_tree() const { return *this; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto& /*prefix*/, Trees&&...) {}
};
// [/gate_fusion]

// [output_fusion]
/// y = O_token (1 + O_segment), elementwise: it needs both outputs, so the levels run separately.
template <class Value, class B>
struct ModulatedFusion {
  using Tensor = moe::Matrix<Value, B>;
  struct Saved {
    Tensor o_token_TD, o_segment_TD;
  };

  std::pair<Tensor, Saved> forward(const typename B::Context& context, Tensor o_token_TD, Tensor o_segment_TD) const {
    auto y = Tensor::uninitialized(context, o_token_TD.rows(), o_token_TD.cols());
    B::for_each(context, y.rows(),
                [a = o_token_TD.view(), b = o_segment_TD.view(), y_TD = y.view()] MOE_ON_DEVICE(moe::Index t) {
                  for (moe::Index d = 0; d < y_TD.cols; ++d) y_TD(t, d) = a(t, d) * (1 + b(t, d));
                });
    return {std::move(y), Saved{std::move(o_token_TD), std::move(o_segment_TD)}};
  }
  /// d_O_token = d_y (1 + O_segment); d_O_segment = d_y O_token. Each overwrites an output that is no longer needed.
  moe::FusionGradients<Value, B> backward(const typename B::Context& context, moe::View<const Value, B> d_y_TD,
                                          Saved saved, ModulatedFusion& /*gradient*/) const {
    B::for_each(context, d_y_TD.rows,
                [=, a = saved.o_token_TD.view(), b = saved.o_segment_TD.view()] MOE_ON_DEVICE(moe::Index t) {
                  for (moe::Index d = 0; d < d_y_TD.cols; ++d) {
                    const Value o_token = a(t, d);
                    a(t, d) = d_y_TD(t, d) * (1 + b(t, d));
                    b(t, d) = d_y_TD(t, d) * o_token;
                  }
                });
    return {std::move(saved.o_token_TD), std::move(saved.o_segment_TD)};
  }

  ModulatedFusion empty_tree() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto& /*prefix*/, Trees&&...) {}
};
// [/output_fusion]

using Chosen = std::vector<moe::ChoiceOrder>;
using Values = std::vector<double>;

/// A segment level whose choices are fixed: every segment selects every expert.
template <class Pool>
auto segment_level() {
  return moe::SegmentMoE(moe::FixedWindow{.window = 3}, moe::PreviousSegment<double, Cpu, Pool>(4), moe::TopK{.k = 2},
                         moe::SoftmaxOverAll{}, moe::Unlimited{}, Bank(2, 4, 5));
}

template <class F>
void check_fusion(F fusion) {
  moe::TokenMoE token(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Bank(2, 4, 5));
  auto segment = segment_level<moe::MeanPool>();
  moe::HybridMoE<decltype(token), decltype(segment), F> layer(std::move(token), std::move(segment), fusion);
  Draw draw("docs, fusion");
  randomize(draw, layer, 0.5);
  Tensor x_TD = random_matrix<double, Cpu>(draw, 8, 4);
  check_layer_gradients(layer, x_TD, moe::Batch::ragged({5, 3}), 0.5);
}

}  // namespace

TEST_CASE("policy: a custom router", "[docs]") {
  using moe::testing::choose;
  CHECK(choose(MarginChoice{.margin = 1}, Values{0, 3, 2, 2.5}) == Chosen{0, 1, 2, 2});
  CHECK(choose(MarginChoice{.margin = 0}, Values{0, 3, 2, 2.5}) == Chosen{0, 1, 0, 0});

  // [use_router]
  moe::TokenMoE layer(MarginChoice{.margin = 0.5}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Bank(4, 8, 16));
  static_assert(decltype(layer)::is_causal && decltype(layer)::is_batch_invariant);
  // [/use_router]
  const auto y_TD = layer.infer({}, Tensor(3, 8), moe::Batch::single(3));
  CHECK(y_TD.rows() == 3);
}

TEST_CASE("policy: a router that reads the row's language", "[docs]") {
  Draw draw("docs, language");
  const Tensor x_TD = random_matrix<double, Cpu>(draw, 3, 8);
  // [use_context_router]
  const std::vector<std::int32_t> languages = {2, 0, 2};
  moe::Batch batch = moe::Batch::single(3);
  batch.languages = languages;

  moe::TokenMoE layer(LanguageChoice{}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Bank(3, 8, 16));
  const auto run = layer.forward({}, x_TD, batch);
  // [/use_context_router]
  const auto chosen_TE = run.saved.routing.decision.choice.chosen_RE.view();
  // The gate is all zero: after its language's expert, each row selects the lowest remaining index.
  CHECK(Chosen(chosen_TE.row(0).begin(), chosen_TE.row(0).end()) == Chosen{2, 0, 1});
  CHECK(Chosen(chosen_TE.row(1).begin(), chosen_TE.row(1).end()) == Chosen{1, 2, 0});
  STATIC_REQUIRE(decltype(layer)::is_batch_invariant);
}

TEST_CASE("policy: a router that draws random numbers", "[docs]") {
  Draw draw("docs, chance");
  const Tensor x_TD = random_matrix<double, Cpu>(draw, 10, 4);
  // [use_random_router]
  moe::TokenMoE layer(Lottery{}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Bank(4, 4, 8));
  moe::Batch batch = moe::Batch::single(10);
  CHECK_THROWS_AS(layer.forward({}, x_TD, batch), moe::Error);
  batch.random = {.seed = 1, .step = 1};  // a different step for every forward pass
  const auto run = layer.forward({}, x_TD, batch);
  // [/use_random_router]
  CHECK(run.stats.choices() == 10);
  batch.random->step = 2;
  CHECK(layer.forward({}, x_TD, batch).stats.load != run.stats.load);
}

TEST_CASE("policy: a matrix router for training, and a row router for inference", "[docs]") {
  // [use_matrix_router]
  moe::TokenMoE layer(moe::TrainInfer<LogitChoice, MarginChoice>{.train = {}, .infer = {.margin = 0.5}},
                      moe::SoftmaxOverAll{}, FixedCapacity{.room = 2}, Bank(2, 4, 8));
  static_assert(decltype(layer)::is_causal);  // the traits describe the inference form
  // [/use_matrix_router]
  Draw draw("docs, matrix router");
  randomize(draw, layer);
  const Tensor x_TD = random_matrix<double, Cpu>(draw, 6, 4);
  const auto run = layer.forward({}, x_TD, moe::Batch::single(6));
  CHECK(run.stats.load == std::vector<moe::Index>{2, 2});
  CHECK_FALSE(moe::TokenMoE(LogitChoice{}, moe::SoftmaxOverAll{}, FixedCapacity{}, Bank(2, 4, 8)).is_causal);
}

TEST_CASE("policy: a custom normalizer's backward matches central differences", "[docs]") {
  CHECK(moe::testing::normalize(SigmoidGates{}, Values{0, 5, 0}, Chosen{1, 0, 2}) == Values{0.5, 0, 0.5});
  // [use_normalizer]
  moe::TokenMoE layer(moe::TopK{.k = 2}, SigmoidGates{}, moe::Unlimited{}, Bank(2, 4, 5));  // k = E: selection is fixed
  Draw draw("docs, normalizer");
  randomize(draw, layer, 0.5);
  Tensor x_TD = random_matrix<double, Cpu>(draw, 6, 4);
  check_layer_gradients(layer, x_TD, moe::Batch::single(6), /*balance_weight=*/0.5);
  // [/use_normalizer]
}

TEST_CASE("policy: a custom capacity reports dropped pairs", "[docs]") {
  Draw draw("docs, capacity");
  const Tensor x_TD = random_matrix<double, Cpu>(draw, 10, 4);
  // [use_dropping]
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, DroppingFixedCapacity{.room = 3}, Bank(4, 4, 8));
  const auto run = layer.forward({}, x_TD, moe::Batch::single(10));
  // The gate is all zero, so every row selects experts 0 and 1, and each of them has a capacity of 3.
  CHECK(run.stats.load == std::vector<moe::Index>{3, 3, 0, 0});
  CHECK(run.stats.dropped == std::vector<moe::Index>{7, 7, 0, 0});
  static_assert(!decltype(layer)::is_causal);  // rows compete for capacity
  // [/use_dropping]
  CHECK(decltype(moe::TokenMoE(moe::TopK{}, moe::SoftmaxOverChosen{}, FixedCapacity{}, Bank(4, 4, 8)))::is_causal);
}

TEST_CASE("policy: a custom segmenter", "[docs]") {
  // [use_segmenter]
  const std::vector<std::int32_t> tokens = {'a', ';', 'b', 'c', '}', 'd'};
  moe::Batch batch = moe::Batch::single(6);
  batch.tokens = tokens;
  CHECK(moe::cut_into_segments(StatementWindow{}, batch).begin == std::vector<moe::Index>{0, 2, 5, 6});
  // [/use_segmenter]
  CHECK(moe::cut_into_segments(StatementWindow{.maximum = 1}, batch).count() == 6);
}

TEST_CASE("policy: a custom segmenter with a state", "[docs]") {
  // [use_stateful_segmenter]
  moe::SegmentMoE layer(SpeakerWindow{}, moe::PreviousMean<double, Cpu>(/*width=*/4), moe::TopK{.k = 2},
                        moe::SoftmaxOverAll{}, moe::Unlimited{}, Bank(2, 4, 5));
  layer.routing.table_VF = moe::Matrix<double, Cpu>(/*vocabulary=*/10, SpeakerWindow::features);
  layer.routing.table_VF.view()(7, 0) = 1;  // token 7 names speaker 1
  layer.routing.table_VF.view()(8, 0) = 2;  // token 8 names speaker 2
  // [/use_stateful_segmenter]
  const moe::CpuContext context;
  Draw draw("docs, speakers");
  randomize(draw, layer, 0.5);
  const std::vector<std::int32_t> tokens = {7, 1, 2, 8, 3, 8, 7, 4};
  moe::Batch batch = moe::Batch::single(8);
  batch.tokens = tokens;
  const Tensor x_TD = random_matrix<double, Cpu>(draw, 8, 4);
  const auto run = layer.forward(context, x_TD, batch);
  CHECK(run.saved.routing.cut.segments.begin == std::vector<moe::Index>{0, 3, 6, 8});
  const auto whole_TD = layer.infer(context, x_TD, batch);
  auto state = layer.begin_decoding(context, 1);
  for (moe::Index t = 0; t < 8; ++t) {
    const auto y_1D = layer.decode(context, x_TD.view().rows_between(t, t + 1),
                                   std::span(tokens).subspan(static_cast<std::size_t>(t), 1), state);
    CHECK((moe::as_eigen(y_1D).row(0) - moe::as_eigen(whole_TD).row(t)).norm() < 1e-12);
  }
}

TEST_CASE("policy: a custom pooling trains and decodes", "[docs]") {
  // [use_pooling]
  moe::SegmentMoE layer(moe::FixedWindow{.window = 3}, moe::PreviousSegment<double, Cpu, LastPool>(/*width=*/4),
                        moe::TopK{.k = 2}, moe::SoftmaxOverAll{}, moe::Unlimited{}, Bank(2, 4, 5));
  // [/use_pooling]
  const moe::CpuContext context;
  Draw draw("docs, pooling");
  randomize(draw, layer, 0.5);
  Tensor x_TD = random_matrix<double, Cpu>(draw, 8, 4);
  check_layer_gradients(layer, x_TD, moe::Batch::single(8), 0);

  const auto whole_TD = layer.infer(context, x_TD, moe::Batch::single(8));
  auto state = layer.begin_decoding(context, 1);
  for (moe::Index t = 0; t < 8; ++t) {
    const auto y_1D = layer.decode(context, x_TD.const_view().rows_between(t, t + 1), {}, state);
    CHECK((moe::as_eigen(y_1D).row(0) - moe::as_eigen(whole_TD).row(t)).norm() < 1e-12);
  }
}

TEST_CASE("policy: a custom balance", "[docs]") {
  // [use_balance]
  moe::TokenMoE layer(moe::TopK{.k = 1}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Bank(3, 4, 8),
                      moe::NoSharedExpert{}, BalanceFrom{.first = 1});
  // [/use_balance]
  // The gate is all zero: every row selects expert 0, which the loss does not cover, so the covered experts have no
  // load.
  CHECK(layer.forward({}, Tensor(5, 4), moe::Batch::single(5)).stats.balance_loss() == 0);
  moe::TokenMoE all(moe::TopK{.k = 1}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Bank(3, 4, 8));
  CHECK(all.forward({}, Tensor(5, 4), moe::Batch::single(5)).stats.balance_loss() == Catch::Approx(1));
}

TEST_CASE("policy: custom fusions", "[docs]") {
  STATIC_REQUIRE(moe::GateFusion<Remainder>);
  STATIC_REQUIRE(moe::OutputFusion<ModulatedFusion<double, Cpu>>);
  // [use_fusion]
  using Layer = moe::CausalMultiPlMoe<double, Cpu, Remainder>;
  static_assert(Layer::runs_in_one_pass);  // one pass over both levels' experts
  // [/use_fusion]
  STATIC_REQUIRE_FALSE(moe::CausalMultiPlMoe<double, Cpu, ModulatedFusion<double, Cpu>>::runs_in_one_pass);
  check_fusion(Remainder{});
  check_fusion(ModulatedFusion<double, Cpu>{});
}

TEST_CASE("policy: a custom activation", "[docs]") {
  // [use_activation]
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::Glu<Softplus, double, Cpu, moe::WithBiases>>(2, 4, 5));
  moe::Mlp<Softplus, double, Cpu> dense(4, 5);
  // [/use_activation]
  Draw draw("docs, activation");
  randomize(draw, layer, 0.5);
  randomize(draw, dense, 0.5);
  Tensor x_TD = random_matrix<double, Cpu>(draw, 6, 4);
  check_layer_gradients(layer, x_TD, moe::Batch::single(6), 0.5);
  check_layer_gradients(dense, x_TD, moe::Batch::single(6), 0);
}

TEST_CASE("policy: a custom expert's gradients match central differences", "[docs]") {
  // [use_expert]
  using X = TanhExpert<double, Cpu>;
  static_assert(moe::Expert<X>);
  moe::TokenMoE layer(moe::TopK{.k = 3}, moe::SoftmaxOverAll{}, moe::Unlimited{}, moe::ExpertBank<X>(3, 4),
                      moe::NoSharedExpert{});  // k = E: selection is fixed
  X dense(4);                                  // the same as a layer of its own
  Draw draw("docs, expert");
  randomize(draw, layer, 0.5);
  randomize(draw, dense, 0.5);
  Tensor x_TD = random_matrix<double, Cpu>(draw, 6, 4);
  check_layer_gradients(layer, x_TD, moe::Batch::single(6), /*balance_weight=*/0.5);
  check_layer_gradients(dense, x_TD, moe::Batch::single(6), 0);
  // [/use_expert]
}

TEST_CASE("a learned routing module", "[docs][gradient]") {
  // [use_routing_module]
  SigmoidTopOne routing;
  routing.gate = moe::Linear<double, Cpu>::without_bias(/*in=*/4, /*out=*/3);
  moe::TokenMoE layer(std::move(routing), Bank(3, 4, 5));
  // [/use_routing_module]
  Draw draw("docs, routing module");
  randomize(draw, layer, 0.5);
  Tensor x_TD = random_matrix<double, Cpu>(draw, 6, 4);
  check_layer_gradients(layer, x_TD, moe::Batch::single(6), 0);
  auto state = layer.begin_decoding({}, 6);
  CHECK(moe::testing::same_bits(layer.decode({}, x_TD, {}, state), layer.infer({}, x_TD, moe::Batch::single(6))));
}

TEST_CASE("the library's learned routing module", "[docs]") {
  Draw draw("docs, noisy top-k");
  const Tensor x_TD = random_matrix<double, Cpu>(draw, 6, 4), d_y_TD = random_matrix<double, Cpu>(draw, 6, 4);
  // [use_noisy_top_k]
  moe::TokenMoE layer(moe::NoisyTopK<double, Cpu>(/*k=*/2, /*width=*/4, /*experts=*/3), Bank(3, 4, 5));
  moe::initialize({}, layer, /*seed=*/1);
  auto gradient = moe::gradient_for(layer);
  moe::Batch batch = moe::Batch::single(6);
  batch.random = {.seed = 1, .step = 1};  // a different step for every forward pass
  auto run = layer.forward({}, x_TD, batch);
  layer.backward({}, d_y_TD, {.importance = 0.1, .load = 0.1, .z = 0.001}, std::move(run.saved), gradient);
  CHECK(run.stats.balance_loss() == run.stats.importance_loss() + run.stats.load_loss());
  // [/use_noisy_top_k]
  CHECK(run.stats.load_loss() > 0);
  for (const double slope : moe::testing::values_of(gradient.routing.noise.weight)) CHECK(slope != 0);
}

}  // namespace write_a_policy_test
