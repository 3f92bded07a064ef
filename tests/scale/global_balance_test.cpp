/// Balance losses that count the choices of all ranks, compared with one rank that has the rows of all in one
/// micro-batch.
#include <map>

#include "moe/comm/local_comm.hpp"
#include "moe/experts/place.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/steps/balance_loss.hpp"
#include "scale/toy_tree.hpp"
#include "support/catch.hpp"
#include "support/composition_list.hpp"
#include "support/gradient_check.hpp"
#include "support/reference_moe.hpp"
#include "support/slow_build.hpp"

namespace global_balance_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Tensor = Matrix<double, B>;
const CpuContext alone{.threads = 1};
constexpr double bar = 1e-12;

/// Ranks have different numbers of rows; the third has none.
std::vector<Index> rows_of_ranks(int ranks) {
  const std::vector<Index> rows{7, 4, 0, 9};
  return {rows.begin(), rows.begin() + ranks};
}
Tensor stacked(const std::vector<Tensor>& parts) {
  Index rows = 0, next = 0;
  for (const Tensor& part : parts) rows += part.rows();
  Tensor all(rows, parts.front().cols());
  for (const Tensor& part : parts) {
    std::copy_n(part.data(), part.size(), all.data() + next);
    next += part.size();
  }
  return all;
}
double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
  return largest;
}
template <class Bal>
Bal with_global(Bal balance, bool is_global) {
  balance.is_global = is_global;
  return balance;
}

// --- the operation --------------------------------------------------------------------------------------------------

/// Logits and choices of one rank's rows.
struct Rows {
  Tensor z;
  std::vector<std::vector<bool>> chosen;

  std::vector<Index> choices() const {
    std::vector<Index> result(static_cast<std::size_t>(z.cols()));
    for (const auto& row : chosen)
      for (std::size_t e = 0; e < row.size(); ++e) result[e] += row[e];
    return result;
  }
};
std::vector<Rows> random_rows(int ranks, Index experts) {
  std::vector<Rows> all;
  Draw draw("global balance");
  for (const Index rows : rows_of_ranks(ranks)) {
    all.push_back({random_matrix<double, B>(draw, rows, experts), {}});
    for (Index t = 0; t < rows; ++t) {
      all.back().chosen.emplace_back();
      for (Index e = 0; e < experts; ++e) all.back().chosen.back().push_back(draw.one_in(e + 2));
    }
  }
  return all;
}
Rows joined(const std::vector<Rows>& all) {
  Rows result;
  std::vector<Tensor> logits;
  for (const Rows& rows : all) {
    logits.push_back(rows.z.copy());
    result.chosen.insert(result.chosen.end(), rows.chosen.begin(), rows.chosen.end());
  }
  result.z = stacked(logits);
  return result;
}

struct Term {
  double loss = 0;
  Tensor d_z;
};
template <class Bal>
Term term_of(const CpuContext& context, const Bal& balance, const Rows& rows, double d_loss) {
  const auto result = balance_loss<double, B>(context, balance, rows.z.view(), rows.choices());
  Term term{result.loss, Tensor(rows.z.rows(), rows.z.cols())};
  add_balance_loss_backward<double, B>(context, balance, rows.z.view(), result.shares, d_loss, {}, term.d_z.view());
  return term;
}
/// The mean of the ranks' losses and the gradients of all ranks' logits.
template <class Bal>
Term term_on_ranks(const Bal& balance, const std::vector<Rows>& all, double d_loss) {
  std::vector<Term> terms(all.size());
  on_ranks(static_cast<int>(all.size()), [&](const CpuContext& context) {
    const auto rank = static_cast<std::size_t>(context.ranks->rank());
    terms[rank] = term_of(context, balance, all[rank], d_loss);
  });
  Term term;
  std::vector<Tensor> gradients;
  for (Term& each : terms) {
    term.loss += each.loss / static_cast<double>(terms.size());
    gradients.push_back(std::move(each.d_z));
  }
  term.d_z = stacked(gradients);
  return term;
}

}  // namespace

TEMPLATE_TEST_CASE("the mean of the ranks' global balance losses is that of one rank with all rows", "[scale]",
                   BalanceOverAll, BalanceOverRouted, GateSparsity) {
  for (const Index experts : {4, 30})
    for (const int ranks : {1, 2, 3, 4}) {
      INFO(ranks << " ranks, " << experts << " experts");
      const auto all = random_rows(ranks, experts);
      const Term one = term_of(alone, TestType{}, joined(all), 0.7);
      const Term global = term_on_ranks(with_global(TestType{}, true), all, 0.7 / ranks);
      CHECK(std::abs(one.loss - global.loss) < bar);
      CHECK(largest_difference(one.d_z, global.d_z) < bar);
      if (ranks == 1) continue;
      // What the test would not notice otherwise: the loss of each rank's own choices is another one.
      const Term local = term_on_ranks(TestType{}, all, 0.7 / ranks);
      CHECK(std::abs(one.loss - local.loss) > 1e-3);
      CHECK(largest_difference(one.d_z, local.d_z) > 1e-5);
    }
}

TEST_CASE("the global balance loss is that of the reference for all rows", "[scale]") {
  const auto all = random_rows(4, 5);
  const Rows rows = joined(all);
  reference::Rows z;
  for (Index t = 0; t < rows.z.rows(); ++t) z.emplace_back(rows.z.view().row(t).begin(), rows.z.view().row(t).end());
  const double expected = reference::balance_loss(z, rows.chosen, {true, false, true, true, true});
  const BalanceOverRouted balance{.shared = 1, .is_global = true};
  CHECK(std::abs(term_on_ranks(balance, all, 1).loss - expected) < bar);
}

TEMPLATE_TEST_CASE("the gradient of the global balance loss matches central differences", "[scale][gradient]",
                   BalanceOverAll, BalanceOverRouted, GateSparsity) {
  const auto balance = with_global(TestType{}, true);
  auto all = random_rows(3, 4);
  const Term term = term_on_ranks(balance, all, 0.7 / 3);
  Index first = 0;
  for (Rows& rows : all) {
    const View<const double, B> d_z(term.d_z.data() + first, rows.z.rows(), rows.z.cols());
    check_component_gradients(
        "logits", rows.z, d_z, [&] { return 0.7 * term_on_ranks(balance, all, 0).loss; }, component_bar,
        is_slow_build ? 6 : 28);
    first += rows.z.size();
  }
}

TEST_CASE("the global balance loss is 0 where no rank has rows or choices", "[scale]") {
  std::vector<Rows> all(3);
  for (Rows& rows : all) rows.z = Tensor(0, 4);
  CHECK(term_on_ranks(BalanceOverAll{.is_global = true}, all, 1).loss == 0);
  Draw draw("no choices");
  all[1].z = random_matrix<double, B>(draw, 5, 4);
  all[1].chosen.assign(5, std::vector<bool>(4));
  const Term term = term_on_ranks(BalanceOverAll{.is_global = true}, all, 1);
  CHECK(term.loss == 0);
  for (const double value : values_of(term.d_z)) CHECK(value == 0);
}

TEST_CASE("numbers are summed over ranks", "[scale]") {
  for (const int count : {1, 2, 5})
    CHECK_NOTHROW(on_ranks(count, [count](const CpuContext& context) {
      const Index rank = context.ranks->rank(), n = count;
      for (const Index size : {1, 3, 40}) {
        std::vector<Index> mine(static_cast<std::size_t>(size), rank), expected(mine.size(), n * (n - 1) / 2);
        mine.back() = 10;
        expected.back() = 10 * n;
        require_that(sum_over_ranks(*context.ranks, {"sum"}, mine) == expected, "another sum");
      }
    }));
}

// --- layers ---------------------------------------------------------------------------------------------------------

namespace {

const Sizes sizes{.width = 5, .hidden = 6, .experts = 4, .k = 2, .shared = 1, .window = 3};

template <class Layer>
auto& balance_in(Layer& layer) {
  if constexpr (requires { layer.token; })
    return layer.token.routing.balance;
  else
    return layer.routing.balance;
}
template <class Layer>
Layer layer_of(bool is_global) {
  Draw draw("global balance weights");
  Layer layer = build<Layer>(sizes);
  randomize(draw, layer);
  balance_in(layer).is_global = is_global;
  if constexpr (requires { layer.routing.balance.first_weight; }) layer.routing.balance_weight_1.data()[0] = 0.5;
  return layer;
}

using Gradients = std::map<std::string, std::vector<double>>;
struct Pass {
  double loss = 0;
  Tensor d_x_TD;
  Gradients gradient;
};
/// The balance loss and its gradient alone: that of the output is 0. A `repeated` forward pass stands for activation
/// checkpointing.
template <class Layer>
Pass pass_of(const CpuContext& context, const Layer& layer, const Tensor& x_TD, double d_balance,
             bool is_repeated = false) {
  const Batch batch = Batch::single(x_TD.rows());
  Pass pass;
  auto run = layer.forward(context, x_TD.view(), batch);
  pass.loss = run.stats.balance_loss();
  if (is_repeated) run.saved = layer.forward(context, x_TD.view(), batch).saved;
  auto gradient = gradient_for(layer);
  pass.d_x_TD =
      layer.backward(context, Tensor(x_TD.rows(), x_TD.cols()), {.balance = d_balance}, std::move(run.saved), gradient);
  pass.gradient = values_by_name(gradient);
  return pass;
}
std::vector<Tensor> inputs(int ranks) {
  Draw draw("global balance inputs");
  std::vector<Tensor> all;
  for (const Index rows : rows_of_ranks(ranks)) all.push_back(random_matrix<double, B>(draw, rows, sizes.width));
  return all;
}
template <class Layer, class Prepare>
std::vector<Pass> passes_on_ranks(const std::vector<Tensor>& x, bool is_global, const Prepare& prepare) {
  std::vector<Pass> passes(x.size());
  on_ranks(static_cast<int>(x.size()), [&](const CpuContext& context) {
    const auto rank = static_cast<std::size_t>(context.ranks->rank());
    Layer layer = layer_of<Layer>(is_global);
    prepare(context, layer);
    passes[rank] = pass_of(context, layer, x[rank], 0.7 / static_cast<double>(x.size()));
  });
  return passes;
}
/// Compares ranks with one rank; `is_global` false: whether a difference is found where there is one.
template <class Layer, class Prepare>
bool is_as_one(int ranks, bool is_global, const Prepare& prepare) {
  const auto x = inputs(ranks);
  const Pass one = pass_of(alone, layer_of<Layer>(true), stacked(x), 0.7);
  const auto passes = passes_on_ranks<Layer>(x, is_global, prepare);
  double loss = 0;
  std::vector<Tensor> d_x;
  Gradients sum;
  for (const Pass& pass : passes) {
    loss += pass.loss / ranks;
    d_x.push_back(pass.d_x_TD.copy());
    for (const auto& [name, values] : pass.gradient) {
      sum[name].resize(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) sum[name][i] += values[i];
    }
  }
  double gradient = 0, routers = 0;
  for (const auto& [name, values] : one.gradient)
    for (std::size_t i = 0; i < values.size(); ++i) {
      gradient = std::max(gradient, std::abs(values[i] - sum.at(name).at(i)));
      if (name.ends_with("gate.weight")) routers = std::max(routers, std::abs(values[i]));
    }
  CHECK(routers > 1e-3);
  return std::abs(one.loss - loss) < bar && gradient < bar && largest_difference(one.d_x_TD, stacked(d_x)) < bar;
}
const auto as_it_is = [](const CpuContext&, auto&) {};

}  // namespace

TEMPLATE_TEST_CASE("the gradients of a global balance loss, summed over ranks, are those of one rank", "[scale]",
                   (Mixtral<double, B>), (SwitchMoe<double, B>), (ReMoe<double, B>),
                   (MultiPlTokenLevel<double, B, BalanceOverRouted>), (CausalMultiPlMoe<double, B>),
                   (CausalMultiPlMoe<double, B, ChannelFusion<double, B>, BalanceOverRouted>)) {
  for (const int ranks : {1, 2, 3, 4}) {
    INFO(ranks << " ranks");
    CHECK(is_as_one<TestType>(ranks, true, as_it_is));
    if (ranks > 1) CHECK_FALSE(is_as_one<TestType>(ranks, false, as_it_is));
  }
}

TEST_CASE("a global balance loss goes with experts that live on other ranks", "[scale]") {
  for (const int ranks : {2, 3})
    CHECK(is_as_one<Mixtral<double, B>>(ranks, true, [ranks](const CpuContext& context, auto& layer) {
      place(layer, *context.ranks, Placement::blocks(sizes.experts, ranks));
    }));
  CHECK_NOTHROW(on_ranks(3, [](const CpuContext& context) {
    auto layer = layer_of<Mixtral<double, B>>(true);
    place(layer, *context.ranks, Placement::blocks(sizes.experts, 3));
    pass_of(context, layer, inputs(3)[static_cast<std::size_t>(context.ranks->rank())], 0.1);
    const auto traffic = context.ranks->traffic();
    require_that(traffic.at("layer 0, forward").announcements == 1 &&
                     traffic.at("layer 0, balance loss").announcements == 1 &&
                     traffic.at("layer 0, backward").announcements == 1,
                 "other calls");
  }));
}

TEST_CASE("on one rank a global balance loss is bitwise identical to the local one and makes no call", "[scale]") {
  using Layer = CausalMultiPlMoe<double, B>;
  const auto x = inputs(1);
  const Pass local = pass_of(alone, layer_of<Layer>(false), x[0], 0.7);
  CpuContext of_one = alone;
  of_one.ranks = ranks_over<B>(LocalComm());
  for (const CpuContext& context : {alone, of_one}) {
    const Pass global = pass_of(context, layer_of<Layer>(true), x[0], 0.7);
    CHECK(global.loss == local.loss);
    CHECK(global.gradient == local.gradient);
    CHECK(same_bits(global.d_x_TD, local.d_x_TD));
  }
  CHECK(of_one.ranks->traffic().empty());
}

TEST_CASE("a local balance loss makes no call on any number of ranks", "[scale]") {
  using Layer = Mixtral<double, B>;
  const auto x = inputs(4);
  std::vector<Pass> expected;
  for (const Tensor& each : x) expected.push_back(pass_of(alone, layer_of<Layer>(false), each, 0.7));
  CHECK_NOTHROW(on_ranks(4, [&](const CpuContext& context) {
    const auto rank = static_cast<std::size_t>(context.ranks->rank());
    const Pass pass = pass_of(context, layer_of<Layer>(false), x[rank], 0.7);
    require_that(pass.loss == expected[rank].loss && pass.gradient == expected[rank].gradient &&
                     same_bits(pass.d_x_TD, expected[rank].d_x_TD),
                 "other bits");
    require_that(context.ranks->traffic().empty(), "a call");
  }));
}

TEST_CASE("a global balance loss is one exchange of a training forward pass", "[scale]") {
  using Layer = CausalMultiPlMoe<double, B>;
  for (const int ranks : {2, 4}) {
    const auto x = inputs(ranks);
    CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& of_rank) {
      CpuContext context = of_rank;
      context.layer = 3;
      const Tensor& own = x[static_cast<std::size_t>(context.ranks->rank())];
      const Layer layer = layer_of<Layer>(true);
      pass_of(context, layer, own, 0.7);
      const auto traffic = context.ranks->traffic();
      require_that(traffic.size() == 1, "another place");
      const Traffic& sent = traffic.at("layer 3, balance loss");
      require_that(sent.announcements == 1 && sent.calls == 0 && sent.announced_bytes == 256 * (ranks - 1),
                   "another call");
      context.ranks->reset_traffic();
      // Rows differ between ranks, and decoding goes on without the others.
      layer.infer(context, own, Batch::single(own.rows()));
      auto state = layer.begin_decoding(context, 1);
      layer.prefill(context, own, Batch::single(own.rows()), state);
      require_that(context.ranks->traffic().at("layer 3, balance loss").announcements == 0, "a call of inference");
    }));
  }
}

TEST_CASE("a forward pass that is repeated for its activations gives the same bits", "[scale]") {
  using Layer = Mixtral<double, B>;
  const auto x = inputs(3);
  CHECK_NOTHROW(on_ranks(3, [&](const CpuContext& context) {
    const Tensor& own = x[static_cast<std::size_t>(context.ranks->rank())];
    const Layer layer = layer_of<Layer>(true);
    const Pass once = pass_of(context, layer, own, 0.7), twice = pass_of(context, layer, own, 0.7, true);
    require_that(once.gradient == twice.gradient && same_bits(once.d_x_TD, twice.d_x_TD), "other bits");
    require_that(context.ranks->traffic().at("layer 0, balance loss").announcements == 3, "another number of calls");
  }));
}

TEST_CASE("ranks with global balance losses of different layers are at different places", "[scale]") {
  const auto x = inputs(2);
  const auto errors = ends_of_ranks(2, [&](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<B>(std::move(comm));
    const int rank = context.ranks->rank();
    context.layer = static_cast<std::uint32_t>(5 + rank);
    pass_of(context, layer_of<Mixtral<double, B>>(true), x[static_cast<std::size_t>(rank)], 0.7);
  });
  for (const auto& error : errors)
    CHECK_THAT(text_of(error), Catch::Matchers::ContainsSubstring("'layer 5, balance loss'") &&
                                   Catch::Matchers::ContainsSubstring("'layer 6, balance loss'"));
}

}  // namespace global_balance_test
