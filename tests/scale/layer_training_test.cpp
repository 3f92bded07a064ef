/// Sums of gradients and updates of buffers of whole layers on several ranks.
#include "moe/core/observed.hpp"

#include "moe/train/sharded.hpp"
#include "scale/spread_check.hpp"
#include "scale/toy_tree.hpp"
#include "support/catch.hpp"

namespace layer_training_test {

using namespace moe;
using namespace moe::testing;

namespace {

const Sizes sizes{.width = 5, .hidden = 6, .experts = 4, .k = 2, .shared = 1, .window = 3};

std::vector<RankBatch> batches(int count) {
  std::vector<RankBatch> result;
  for (int i = 0; i < count; ++i) {
    Draw draw("layer training", static_cast<std::uint32_t>(i));
    result.emplace_back(draw, std::vector<Index>{static_cast<Index>(9 + i)}, sizes.width);
  }
  return result;
}
AnyCpuLayer<double> layer_of(const AnyComposition<double>& composition) {
  auto layer = composition.build(sizes);
  Draw draw("layer training weights");
  randomize(draw, layer);
  return layer;
}
std::map<std::string, std::vector<double>> buffers_of(AnyCpuLayer<double>& layer) {
  std::map<std::string, std::vector<double>> result;
  for_each_buffer([&](const std::string& name, const auto& buffer) { result[name] = values_of(buffer.const_view()); },
                  layer);
  return result;
}
/// The buffers after updates from these batches, in this order, on one rank.
std::map<std::string, std::vector<double>> updated_alone(const AnyComposition<double>& composition,
                                                         const std::vector<RankBatch>& all,
                                                         const std::vector<std::size_t>& order) {
  const CpuContext context{.threads = 1};
  auto layer = layer_of(composition);
  std::vector<AnyCpuLayer<double>::Stats> stats;
  for (const std::size_t i : order) stats.push_back(layer.forward(context, all[i].x_TD, all[i].batch()).stats);
  update_buffers(context, layer, stats);
  return buffers_of(layer);
}

/// A layer whose update depends on the order.
struct Recorder {
  using Context = CpuContext;
  struct Stats {
    std::vector<Index> load;
    Matrix<double, Cpu<>> values;
    Index rows = 0;
    template <class Visit, class Self>
    static void visit_observed(const Visit& visit, Self& stats) {
      visit(stats.load);
      visit(stats.values);
      visit(stats.rows);
    }
  };
  std::vector<double> seen;
  void update_buffers(const Context&, const Stats& stats) {
    for (const Index load : stats.load) seen.push_back(static_cast<double>(load));
    for (const double value : values_of(stats.values)) seen.push_back(value);
    seen.push_back(static_cast<double>(stats.rows));
  }
};
Recorder::Stats stats_number(int number) {
  Recorder::Stats stats{{number, 10 * number}, {1, number}, 100 + number};
  for (Index i = 0; i < number; ++i) stats.values.view()(0, i) = 0.5 + static_cast<double>(number);
  return stats;
}

}  // namespace

TEST_CASE("gates and shared experts get the sum of all ranks' gradients, spread experts keep theirs", "[scale]") {
  const auto& list = any_compositions<double>();
  for (const auto& composition : {list.token[1], list.token[2], list.hybrid[4], list.separate[4]})
    for (const int ranks : {2, 3}) {
      INFO(ranks << " ranks");
      const auto all = batches(ranks);
      const SpreadRun alone = run_alone(layer_of(composition), all, 3);
      CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& context) {
        auto layer = layer_of(composition);
        place(layer, *context.ranks, Placement::blocks(layer.experts(), ranks, {1}));
        auto gradient = gradient_for(layer);
        run_rank(context, layer, all[static_cast<std::size_t>(context.ranks->rank())], gradient, 3);
        sum_replicated(context, gradient);
        int summed = 0;
        for (const auto& [name, values] : values_by_name(gradient)) {
          require_that(difference(values, alone.gradient.at(name)) < 1e-12, "another gradient of " + name);
          summed += name.ends_with("gate.weight");
        }
        require_that(summed > 0, "gates have gradients");
      }));
    }
}

TEST_CASE("buffers are updated from all ranks' micro-batches in their order", "[scale]") {
  const auto& list = any_compositions<double>();
  int with_buffers = 0;
  for (const auto& composition : {list.token[3], list.segment[4], list.hybrid[2], list.separate[3]}) {
    const auto all = batches(4);
    const auto expected = updated_alone(composition, all, {0, 1, 2, 3});
    with_buffers += !expected.empty();
    for (const int ranks : {1, 2, 4}) {
      INFO(ranks << " ranks");
      CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& context) {
        auto layer = layer_of(composition);
        std::vector<AnyCpuLayer<double>::Stats> stats;
        const auto own = static_cast<std::size_t>(4 / ranks), rank = static_cast<std::size_t>(context.ranks->rank());
        for (std::size_t i = rank * own; i < (rank + 1) * own; ++i)
          stats.push_back(layer.forward(context, all[i].x_TD, all[i].batch()).stats);
        update_buffers(context, layer, stats);
        require_that(buffers_of(layer) == expected, "other buffers");
      }));
    }
  }
  CHECK(with_buffers == 4);
}

TEST_CASE("ranks without and with several micro-batches are read in the order of ranks", "[scale]") {
  CHECK_NOTHROW(on_ranks(3, [](const CpuContext& context) {
    const std::vector<std::vector<int>> numbers{{1, 2, 3}, {}, {4, 0}};
    std::vector<Recorder::Stats> stats;
    for (const int number : numbers[static_cast<std::size_t>(context.ranks->rank())])
      stats.push_back(stats_number(number));
    Recorder layer, expected;
    update_buffers(context, layer, stats);
    for (const int number : {1, 2, 3, 4, 0}) expected.update_buffers(context, stats_number(number));
    require_that(layer.seen == expected.seen, "another order");
  }));
}

TEST_CASE("statistics of another layer are refused", "[scale]") {
  const CpuContext context{.threads = 1};
  const auto bytes = observed_bytes(context, stats_number(3));
  CHECK(observed_from<Recorder::Stats>(context, bytes).rows == 103);
  const std::string message = "[update_buffers] statistics of another rank do not fit this layer";
  const std::span<const std::byte> all(bytes);
  CHECK_THROWS_WITH(observed_from<Recorder::Stats>(context, all.first(all.size() - 1)), message);
  CHECK_THROWS_WITH(observed_from<NoStats>(context, all), message);
  std::vector<std::byte> longer(bytes);
  longer.push_back(std::byte{0});
  CHECK_THROWS_WITH(observed_from<Recorder::Stats>(context, longer), message);
}

}  // namespace layer_training_test
