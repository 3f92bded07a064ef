#include "moe/train/sharded.hpp"

#include <cmath>
#include <stdexcept>

#include "moe/comm/ranks_over.hpp"
#include "moe/train/adamw.hpp"
#include "scale/toy_tree.hpp"
#include "support/catch.hpp"

namespace sharded_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Values = std::map<std::string, std::vector<double>>;

/// The sum of gradients first, first + 1, ... of `count` slots on one rank.
template <class Value>
Toy<Value> sum_of_slots(std::uint32_t first, int count) {
  const CpuContext context{.threads = 1};
  auto gradient = toy_gradient(random_toy<Value>(0));
  SlotCounter<Toy<Value>> counter(count);
  for (int slot = 0; slot < count; ++slot) {
    fill_gradient(gradient, first + static_cast<std::uint32_t>(slot));
    counter.add(context, gradient);
  }
  counter.take_sum(context, gradient);
  return gradient;
}

/// The tensors of the owner, from every rank's tree.
template <class Tree>
Values gathered_from_owners(const CpuContext& context, const Ownership& owners, const Tree& tree) {
  Values own = values_by_name(tree), result;
  std::size_t number = 0;
  for_each_parameter(
      [&](const std::string& name, const auto&) {
        const int owner = owners.of_tensor[number++];
        if (owner == Ownership::none) return;
        std::vector<double> values = own[name];
        const auto all = context.ranks->gather({"test"}, std::as_bytes(std::span<const double>(values)));
        const auto& bytes = all[static_cast<std::size_t>(owner)];
        values.resize(bytes.size() / sizeof(double));
        std::memcpy(values.data(), bytes.data(), bytes.size());
        result[name] = values;
      },
      tree);
  return result;
}

}  // namespace

TEST_CASE("each tensor goes to the rank with the fewest bytes so far", "[scale]") {
  const auto owners = Ownership::of({10, 7, 3, 3, 0, 5}, 2);
  CHECK(owners.of_tensor == std::vector<int>{0, 1, 1, 0, Ownership::none, 1});
  CHECK(owners.is_on_all_ranks == std::vector<bool>{true, true, true, true, false, true});
  CHECK(Ownership::of({4, 4}, 2, {9, 0}).of_tensor == std::vector<int>{1, 1});
  const auto even = Ownership::of(std::vector<Index>(792, 11300), 8);
  for (int rank = 0; rank < 8; ++rank) CHECK(std::count(even.of_tensor.begin(), even.of_tensor.end(), rank) == 99);
}

TEST_CASE("what one rank has alone is its own, and all ranks agree on the owners", "[scale]") {
  std::vector<Ownership> owners(3);
  CHECK_NOTHROW(on_ranks(3, [&](const CpuContext& context) {
    auto gradient = toy_gradient(random_toy<float>(0));
    const auto rank = static_cast<std::size_t>(context.ranks->rank());
    if (rank != 2) gradient.up = {};
    owners[rank] = Ownership::of(context, gradient);
  }));
  // up is on rank 2 alone (140 bytes); router, bias and down are 60, 36 and 444.
  CHECK(owners[0].of_tensor == std::vector<int>{2, Ownership::none, 0, 1, 1});
  CHECK(owners[0].is_on_all_ranks == std::vector<bool>{false, false, true, true, true});
  for (const Ownership& other : owners) CHECK(other.of_tensor == owners[0].of_tensor);
}

TEST_CASE("a tensor that trains on some ranks, or has two sizes, is named", "[scale]") {
  const auto error_of = [](const auto& change) {
    return text_of(ends_of_ranks(3, [&](ThreadComm comm) {
      CpuContext context{.threads = 1};
      context.ranks = ranks_over<Cpu<>>(std::move(comm));
      auto gradient = toy_gradient(random_toy<float>(0));
      change(context.ranks->rank(), gradient);
      Ownership::of(context, gradient);
    })[0]);
  };
  CHECK(error_of([](int rank, Toy<float>& gradient) {
          if (rank == 1) gradient.router = {};
        }) ==
        "[Ownership] router trains on 2 of 3 ranks: it must train on all of them, on none, or on the one rank "
        "that has it");
  CHECK(error_of([](int rank, Toy<float>& gradient) {
          if (rank == 1) gradient.up = {7, 6};
        }) ==
        "[Ownership] up has 140 bytes on one rank and 168 on another: every rank must have a model of the same "
        "sizes");
}

TEST_CASE("owners get the sum of all ranks' gradients in one order, in buckets of any size", "[scale]") {
  for (const int ranks : {1, 2, 3, 4, 5})
    for (const Index bucket : {Index{16}, Index{128}, default_bucket}) {
      INFO(ranks << " ranks, buckets of " << bucket << " bytes");
      const Values expected = values_by_name(sum_of_slots<float>(10, ranks));
      CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& context) {
        auto gradient = toy_gradient(random_toy<float>(0));
        fill_gradient(gradient, 10 + static_cast<std::uint32_t>(context.ranks->rank()));
        const Ownership owners = Ownership::of(context, gradient);
        reduce_to_owners(context, owners, gradient, bucket);
        require_that(gathered_from_owners(context, owners, gradient) == expected, "another sum");
        if (context.ranks->size() > 1) {
          Index others = 0;
          std::size_t number = 0;
          for_each_tensor(
              [&](const auto& tensor) {
                if (owners.of_tensor[number++] != context.ranks->rank()) others += tensor.size() * 4;
              },
              gradient);
          require_that(context.ranks->traffic().at("sum of gradients").bytes == others, "bytes sent");
        }
      }));
    }
}

TEST_CASE("weights of every value type are shared as the owners have them", "[scale]") {
  for (const int ranks : {2, 3, 4})
    for (const Index bucket : {Index{16}, default_bucket}) {
      INFO(ranks << " ranks, buckets of " << bucket << " bytes");
      CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& context) {
        auto weights = random_toy<BFloat16>(static_cast<std::uint32_t>(context.ranks->rank()));
        const Values before = values_by_name(weights);
        const Ownership owners = Ownership::of(context, toy_gradient(weights));
        const Values expected = gathered_from_owners(context, owners, weights);
        share_weights(context, owners, weights, bucket);
        Values after = values_by_name(weights);
        require_that(after.at("frozen") == before.at("frozen"), "what does not train stays");
        after.erase("frozen");
        require_that(after == expected, "other weights");
      }));
    }
}

TEST_CASE("the norm has the bits of one rank with the same gradient", "[scale]") {
  const CpuContext alone{.threads = 1};
  for (const int ranks : {1, 2, 3, 4}) {
    INFO(ranks << " ranks");
    const double expected = global_norm(alone, sum_of_slots<float>(20, ranks));
    CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& context) {
      auto gradient = toy_gradient(random_toy<float>(0));
      fill_gradient(gradient, 20 + static_cast<std::uint32_t>(context.ranks->rank()));
      const Ownership owners = Ownership::of(context, gradient);
      reduce_to_owners(context, owners, gradient);
      require_that(global_norm(context, owners, gradient) == expected, "another norm");
    }));
  }
}

TEST_CASE("slots give the same bits on 1, 2 and 4 ranks, and one slot a rank those of any number", "[scale]") {
  for (const auto& [slots, counts_of_ranks] :
       std::vector<std::pair<int, std::vector<int>>>{{4, {1, 2, 4}}, {8, {1, 2, 4}}, {3, {3}}, {5, {5}}, {6, {6}}}) {
    const Values expected = values_by_name(sum_of_slots<float>(30, slots));
    for (const int ranks : counts_of_ranks) {
      INFO(slots << " slots on " << ranks << " ranks");
      CHECK_NOTHROW(on_ranks(ranks, [&, slots = slots](const CpuContext& context) {
        const int own = slots / ranks;
        auto gradient = toy_gradient(random_toy<float>(0));
        SlotCounter<Toy<float>> counter(own);
        // Twice, so that memory of the first sum is used again.
        for (int repeat = 0; repeat < 2; ++repeat) {
          for (int slot = 0; slot < own; ++slot) {
            fill_gradient(gradient, 30 + static_cast<std::uint32_t>(context.ranks->rank() * own + slot));
            counter.add(context, gradient);
          }
          counter.take_sum(context, gradient);
          const Ownership owners = Ownership::of(context, gradient);
          reduce_to_owners(context, owners, gradient);
          require_that(gathered_from_owners(context, owners, gradient) == expected, "other bits");
        }
      }));
    }
  }
}

TEST_CASE("a counter of slots leaves the gradient at 0 and states what is missing", "[scale]") {
  const CpuContext context{.threads = 1};
  auto gradient = toy_gradient(random_toy<float>(0));
  SlotCounter<Toy<float>> counter(2);
  fill_gradient(gradient, 1);
  counter.add(context, gradient);
  for (const auto& [name, values] : values_by_name(gradient))
    CHECK(std::count(values.begin(), values.end(), 0.0) == static_cast<Index>(values.size()));
  CHECK_THROWS_WITH(counter.take_sum(context, gradient), "[SlotCounter] the sum is of 2 slots, 1 have been added");
  counter.add(context, gradient);
  CHECK_THROWS_WITH(counter.add(context, gradient), "[SlotCounter] all 2 slots have been added: take the sum first");
  CHECK_THROWS_WITH(SlotCounter<Toy<float>>(0), "[SlotCounter] a rank has at least 1 slot, got 0");
}

TEST_CASE("while only owned tensors are there, the others' memory is kept", "[scale]") {
  CHECK_NOTHROW(on_ranks(2, [](const CpuContext& context) {
    auto gradient = toy_gradient(random_toy<float>(0));
    fill_gradient(gradient, 1);
    const Ownership owners = Ownership::of(context, gradient);
    const Values before = values_by_name(gradient);
    const float* address = gradient.down.data();
    const auto require_owned = [&] {
      std::size_t number = 0;
      for_each_tensor(
          [&](const auto& tensor) {
            require_that(tensor.empty() != (owners.of_tensor[number++] == context.ranks->rank()), "owned tensors");
          },
          gradient);
    };
    with_owned(context, owners, gradient, require_owned);
    require_that(values_by_name(gradient) == before && gradient.down.data() == address, "as it was");
    try {
      with_owned(context, owners, gradient, [] { throw std::logic_error("planted"); });
    } catch (const std::logic_error&) {
    }
    require_that(values_by_name(gradient) == before && gradient.down.data() == address, "as it was after an error");
  }));
}

namespace {

/// Four steps of AdamW with clipping on `ranks` ranks, one slot a rank, and the values of the state on all ranks.
template <class State, class Value>
std::pair<Values, Index> trained(const CpuContext& context, int slots_of_all) {
  auto weights = random_toy<Value>(0);
  auto gradient = toy_gradient(weights);
  const int ranks = context.ranks == nullptr ? 1 : context.ranks->size();
  const int rank = context.ranks == nullptr ? 0 : context.ranks->rank(), own = slots_of_all / ranks;
  const Ownership owners = Ownership::of(context, gradient);
  State state;
  with_owned(context, owners, gradient, [&] { state = State(context, weights, gradient, 7); });
  share_weights(context, owners, weights);
  SlotCounter<std::remove_cvref_t<decltype(gradient)>> counter(own);
  for (int step = 1; step <= 4; ++step) {
    for (int slot = 0; slot < own; ++slot) {
      fill_gradient(gradient, static_cast<std::uint32_t>(100 * step + rank * own + slot));
      counter.add(context, gradient);
    }
    counter.take_sum(context, gradient);
    reduce_to_owners(context, owners, gradient);
    const double scale = clip_factor(global_norm(context, owners, gradient), 1);
    with_owned(context, owners, gradient, [&] { AdamW{}.step(context, 0.01, step, scale, weights, gradient, state); });
    share_weights(context, owners, weights);
  }
  Index kept = 0;
  for (const auto& tensor : state.tensors()) kept += tensor.m.size() + tensor.v.size();
  return {values_by_name(weights), kept};
}

template <class Value, class Moment, MasterWeights master>
void check_sharded_training(const char* name) {
  using State = AdamWState<Cpu<>, Moment, master>;
  INFO(name);
  for (const int slots : {3, 4}) {
    const auto alone = trained<State, Value>(CpuContext{.threads = 1}, slots);
    CHECK(alone.first != values_by_name(random_toy<Value>(0)));
    for (const int ranks : {1, 2, 3, 4}) {
      if (slots % ranks != 0) continue;
      INFO(slots << " slots on " << ranks << " ranks");
      std::vector<Index> kept(static_cast<std::size_t>(ranks));
      CHECK_NOTHROW(on_ranks(ranks, [&](const CpuContext& context) {
        const auto [weights, values] = trained<State, Value>(context, slots);
        require_that(weights == alone.first, "other weights");
        kept[static_cast<std::size_t>(context.ranks->rank())] = values;
      }));
      Index all = 0;
      for (const Index values : kept) all += values;
      CHECK(all == alone.second);
    }
  }
}

}  // namespace

TEST_CASE("sharded AdamW gives the bits of one rank in every precision, and keeps each state once", "[scale]") {
  check_sharded_training<double, double, MasterWeights::float32>("double");
  check_sharded_training<float, float, MasterWeights::float32>("float");
  check_sharded_training<float, BFloat16, MasterWeights::float32>("float, moments in bfloat16");
  check_sharded_training<BFloat16, float, MasterWeights::split>("split");
  check_sharded_training<BFloat16, BFloat16, MasterWeights::split>("split, moments in bfloat16");
  check_sharded_training<BFloat16, float, MasterWeights::bfloat16>("bfloat16");
  check_sharded_training<BFloat16, BFloat16, MasterWeights::bfloat16>("bfloat16, moments in bfloat16");
}

}  // namespace sharded_test
