/// Layers with spread experts on emulated devices, whose rows pass through host memory between ranks. The devices share
/// one memory, which is accessible while a function of any of them runs: ranks take turns, so that a wrong access is
/// still found.
#include "moe/comm/exchange.hpp"

#include <cmath>
#include <limits>
#include <mutex>
#include <type_traits>

#include "moe/comm/ranks_over.hpp"
#include "moe/experts/place.hpp"
#include "moe/train/sharded.hpp"
#include "support/catch.hpp"
#include "support/device_run.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/thread_comm.hpp"
#include "support/turn_comm.hpp"

namespace exchange_on_device_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// Runs work(context) on ranks with a device each.
template <class Work>
void on_devices(int ranks, const Work& work) {
  std::mutex turn;
  run_ranks(ranks, [&](ThreadComm comm) {
    const std::lock_guard lock(turn);
    Emulated::Context context;
    context.ranks = ranks_over<Emulated>(TurnComm(std::move(comm), turn));
    work(context);
  });
}

const Sizes sizes{.width = 6, .hidden = 7, .experts = 3, .k = 2, .shared = 1, .window = 3};

template <class Layer>
Given given_for(int rank, std::vector<std::int32_t>& tokens) {
  Given given;
  given.sizes = sizes;
  given.batch = Batch::ragged(rank == 1 ? std::vector<Index>{} : std::vector<Index>{25, 9});
  Draw values("exchange on devices", static_cast<std::uint32_t>(rank)), weights("weights of devices");
  tokens.assign(static_cast<std::size_t>(given.batch.rows()), 1);
  given.batch.tokens = tokens;
  const auto draw = [](Draw& from, Index count) {
    Numbers numbers;
    for (Index i = 0; i < count; ++i) numbers.push_back(as_float(from.normal()));
    return numbers;
  };
  given.x = draw(values, given.batch.rows() * sizes.width);
  given.d_y = draw(values, given.batch.rows() * sizes.width);
  Layer layer = build<Layer>(sizes);
  for_each_tensor([&](const auto& weight) { given.weights.push_back(draw(weights, weight.size())); }, layer);
  for_each_buffer(
      [&](const std::string&, const auto& buffer) { given.buffers.push_back(draw(weights, buffer.size())); }, layer);
  given.auxiliary = {.balance = 0.3, .z = 0.2};
  return given;
}
double difference(const Numbers& a, const Numbers& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 1, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}
void add(std::vector<Numbers>& sum, const std::vector<Numbers>& more) {
  sum.resize(more.size());
  for (std::size_t t = 0; t < more.size(); ++t) {
    if (more[t].empty()) continue;
    sum[t].resize(more[t].size());
    for (std::size_t i = 0; i < more[t].size(); ++i) sum[t][i] += more[t][i];
  }
}

template <class Layer>
void check_spread(double bar) {
  for (const int ranks : {2, 3}) {
    INFO(ranks << " ranks");
    std::vector<Answered> alone, spread(static_cast<std::size_t>(ranks));
    std::vector<Numbers> sum_alone, sum_spread;
    for (int rank = 0; rank < ranks; ++rank) {
      std::vector<std::int32_t> tokens;
      alone.push_back(answer_of<Layer>(Emulated::Context(), given_for<Layer>(rank, tokens)));
      add(sum_alone, alone.back().gradients);
    }
    REQUIRE_NOTHROW(on_devices(ranks, [&](const Emulated::Context& context) {
      std::vector<std::int32_t> tokens;
      const int rank = context.ranks->rank();
      spread[static_cast<std::size_t>(rank)] =
          answer_of<Layer>(context, given_for<Layer>(rank, tokens), [&](Layer& layer) {
            // The first expert of all is everywhere, the others are in descending order of ranks.
            Placement placement = Placement::blocks(count_experts(layer), ranks, {0});
            std::reverse(placement.owner.begin() + 1, placement.owner.end());
            place(layer, *context.ranks, placement);
          });
    }));
    for (std::size_t rank = 0; rank < spread.size(); ++rank) {
      INFO("rank " << rank);
      CHECK(difference(alone[rank].output, spread[rank].output) <= bar);
      CHECK(difference(alone[rank].d_x, spread[rank].d_x) <= bar);
      CHECK(difference(alone[rank].inferred, spread[rank].inferred) <= bar);
      add(sum_spread, spread[rank].gradients);
    }
    REQUIRE(sum_alone.size() == sum_spread.size());
    for (std::size_t t = 0; t < sum_alone.size(); ++t) {
      INFO("tensor " << t);
      CHECK(difference(sum_alone[t], sum_spread[t]) <= bar);
    }
  }
}

}  // namespace

TEST_CASE("experts on several devices give the results of one", "[accelerator][scale]") {
  check_spread<CausalMultiPlMoe<float, Emulated>>(1e-5);
  check_spread<Qwen15Moe<float, Emulated>>(1e-5);
}

TEST_CASE("experts in bfloat16 on several devices give the results of one", "[accelerator][scale]") {
  check_spread<CausalMultiPlMoe<BFloat16, Emulated>>(2e-2);
}

namespace {

/// The rows of ranks 0 to `ranks` - 1, one rank after the other, for the balance loss alone.
template <class Layer>
Given given_for_balance(int first, int ranks, std::vector<std::int32_t>& tokens) {
  Given given = given_for<Layer>(first, tokens);
  std::vector<Index> offsets = given.batch.offsets;
  for (int rank = first + 1; rank < first + ranks; ++rank) {
    std::vector<std::int32_t> unused;
    const Given more = given_for<Layer>(rank, unused);
    given.x.insert(given.x.end(), more.x.begin(), more.x.end());
    const Index before = offsets.back();
    for (std::size_t b = 1; b < more.batch.offsets.size(); ++b) offsets.push_back(before + more.batch.offsets[b]);
  }
  given.batch.offsets = offsets;
  tokens.assign(static_cast<std::size_t>(offsets.back()), 1);
  given.batch.tokens = tokens;
  given.d_y.assign(given.x.size(), 0);
  given.auxiliary = {};
  return given;
}

template <class Layer>
void check_global_balance(double bar) {
  for (const int ranks : {2, 3}) {
    INFO(ranks << " ranks");
    std::vector<std::int32_t> tokens;
    Given all = given_for_balance<Layer>(0, ranks, tokens);
    all.auxiliary.balance = 60;
    const Answered one = answer_of<Layer>(Emulated::Context(), all);
    std::vector<Answered> answers(static_cast<std::size_t>(ranks));
    REQUIRE_NOTHROW(on_devices(ranks, [&](const Emulated::Context& context) {
      std::vector<std::int32_t> own_tokens;
      const int rank = context.ranks->rank();
      Given own = given_for_balance<Layer>(rank, 1, own_tokens);
      own.auxiliary.balance = 60.0 / ranks;
      answers[static_cast<std::size_t>(rank)] =
          answer_of<Layer>(context, own, [](Layer& layer) { layer.routing.balance.is_global = true; });
    }));
    double loss = 0;
    std::vector<Numbers> sum;
    Numbers d_x;
    for (const Answered& answer : answers) {
      loss += answer.balance_loss / ranks;
      add(sum, answer.gradients);
      d_x.insert(d_x.end(), answer.d_x.begin(), answer.d_x.end());
    }
    CHECK(std::abs(loss - one.balance_loss) <= bar);
    CHECK(difference(one.d_x, d_x) <= bar);
    double largest = 0;
    for (std::size_t t = 0; t < one.gradients.size(); ++t) {
      INFO("tensor " << t);
      CHECK(difference(one.gradients[t], sum[t]) <= bar);
      for (const double value : one.gradients[t]) largest = std::max(largest, std::abs(value));
    }
    CHECK(largest > 0.2);
  }
}

}  // namespace

TEST_CASE("the balance loss over several devices is that of one with all rows", "[accelerator][scale]") {
  check_global_balance<Qwen15Moe<float, Emulated>>(1e-5);
  check_global_balance<Qwen15Moe<BFloat16, Emulated>>(1e-2);
}

TEST_CASE("a balance loss over several devices waits for the loads and for nothing else", "[accelerator][scale]") {
  using Layer = Qwen15Moe<float, Emulated>;
  CHECK_NOTHROW(on_devices(3, [&](const Emulated::Context& context) {
    std::vector<std::int32_t> tokens;
    const Given given = given_for<Layer>(context.ranks->rank(), tokens);
    Layer layer = made_of<Layer>(context, given);
    layer.routing.balance.is_global = true;
    auto x_TD = Matrix<float, Emulated>::uninitialized(context, given.batch.rows(), layer.width());
    put(context, given.x, x_TD.view());
    const long before = context.device->waits;
    layer.forward(context, x_TD, given.batch);
    if (context.device->waits > before + 1) throw std::runtime_error("another wait");
  }));
}

TEST_CASE("gradients and weights on devices are summed and shared", "[accelerator][scale]") {
  using Layer = Qwen15Moe<float, Emulated>;
  const int ranks = 3;
  std::vector<std::int32_t> tokens;
  const Given given = given_for<Layer>(0, tokens);
  CHECK_NOTHROW(on_devices(ranks, [&](const Emulated::Context& context) {
    const int rank = context.ranks->rank();
    Layer gradient = gradient_for(build<Layer>(sizes));
    std::size_t number = 0;
    for_each_tensor(
        [&](auto& tensor) {
          Numbers values = given.weights[number++];
          for (double& value : values) value = std::round(value * 8) * (rank + 1);
          put(context, values, tensor.view());
        },
        gradient);
    const Ownership owners = Ownership::of(context, gradient);
    reduce_to_owners(context, owners, gradient, 64);
    share_weights(context, owners, gradient, 64);
    number = 0;
    double squares = 0;
    for_each_tensor(
        [&](auto& tensor) {
          const Numbers sums = taken(context, tensor);
          for (std::size_t i = 0; i < sums.size(); ++i) {
            const double expected = std::round(given.weights[number][i] * 8) * (1 + 2 + 3);
            if (sums[i] != expected) throw std::runtime_error("another sum");
            squares += expected * expected;
          }
          ++number;
        },
        gradient);
    if (std::abs(global_norm(context, owners, gradient) - std::sqrt(squares)) > 1e-9 * std::sqrt(squares))
      throw std::runtime_error("another norm");
  }));
}

}  // namespace exchange_on_device_test
