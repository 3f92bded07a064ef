#include "moe/experts/lora_adapter.hpp"

#include "moe/backend/shape/shape.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/freeze.hpp"
#include "support/adapters.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace lora_adapter_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Adapter = LoraAdapter<double, Cpu<>>;
using Bank = AdapterBank<double, Cpu<>>;
const CpuContext context{.threads = 2};
static_assert(Module<Adapter> && Module<Bank>);
static_assert(std::is_same_v<LoraAdapter<float, Cpu<>>::rebind<double>, Adapter>);

/// Three adapters of unequal rank over rows of five values, the second without rows.
struct Groups {
  Draw draw{"low rank"};
  std::vector<Index> offsets = {0, 4, 4, 9};
  Bank bank{5, 3, {{.rank = 2, .scale = 0.7}, {.rank = 4, .scale = -2}, {.rank = 1, .scale = 3}}};
  Tensor x = random_matrix<double, Cpu<>>(draw, 9, 5), c = random_matrix<double, Cpu<>>(draw, 9, 3);

  Groups() {
    for (auto& adapter : bank.adapters) randomize_adapter(draw, adapter);
  }
  Tensor run() const { return Adapter::forward_groups(context, bank.span(), x, offsets).first; }
  Tensor back(Bank& gradient) const {
    auto d_x = Tensor(9, 5);
    Adapter::add_groups_backward<double>(context, bank.span(), c, offsets, x,
                                         Adapter::forward_groups(context, bank.span(), x, offsets).second, d_x.view(),
                                         gradient.span());
    return d_x;
  }
};

}  // namespace

TEST_CASE("the scale is alpha / r, or alpha / sqrt(r) if it is rank-stabilized", "[modules]") {
  CHECK(AdapterSize::lora(8, 16).scale == 2);
  CHECK(AdapterSize::rank_stabilized(16, 16).scale == 4);
  CHECK(AdapterSize::rank_stabilized(64, 32).scale == 4);
}

TEST_CASE("outputs of adapters of unequal rank match the reference, group by group", "[modules]") {
  const Groups groups;
  const auto y = groups.run();
  const auto expected = reference_of(groups.bank);
  const auto x = rows_of_matrix(groups.x), answered = rows_of_matrix(y);
  for (std::size_t n = 0; n < 9; ++n)
    CHECK(relative_deviation(
              reference::adapted(reference::Rows(3, reference::Vector(5, 0.0)), expected, {n < 4 ? 0u : 2u}, x[n]),
              answered[n]) < 1e-14);
}

TEST_CASE("an adapter's gradients match central differences and accumulate", "[modules][gradient]") {
  Groups groups;
  Bank gradient = gradient_for(groups.bank);
  const auto d_x = groups.back(gradient);
  const auto loss = [&] { return inner(groups.c, groups.run()); };
  check_component_gradients("x", groups.x, d_x, loss, component_bar);
  for (std::size_t e = 0; e < 3; ++e) {
    INFO("adapter " << e);
    auto& adapter = groups.bank.adapters[e];
    check_component_gradients("A", adapter.lora_A, gradient.adapters[e].lora_A, loss, component_bar);
    check_component_gradients("B", adapter.lora_B, gradient.adapters[e].lora_B, loss, component_bar);
  }
  Bank twice = gradient_for(groups.bank);
  groups.back(twice);
  groups.back(twice);
  for (std::size_t e = 0; e < 3; ++e)
    for (Index i = 0; i < twice.adapters[e].lora_A.size(); ++i)
      CHECK(twice.adapters[e].lora_A.data()[i] == Catch::Approx(2 * gradient.adapters[e].lora_A.data()[i]));
}

TEST_CASE("a frozen adapter gets no gradient and changes no other gradient", "[modules][gradient]") {
  const Groups groups;
  Bank all = gradient_for(groups.bank);
  Bank some = gradient_for(groups.bank, TrainByName{.train = {"adapters.2.lora_B*"}});
  CHECK(same_bits(groups.back(all), groups.back(some)));
  CHECK(same_bits(all.adapters[2].lora_B, some.adapters[2].lora_B));
  CHECK((some.adapters[0].lora_A.empty() && some.adapters[0].lora_B.empty() && some.adapters[2].lora_A.empty()));
}

TEST_CASE("the padding of an adapter stays exactly 0 through steps of AdamW", "[modules]") {
  for (const double decay : {0.0, 0.1}) {
    Groups groups;
    for (Index step = 1; step <= 20; ++step) {
      Bank gradient = gradient_for(groups.bank);
      groups.back(gradient);
      // The gradient of the padding is exactly 0, so that its moments stay 0.
      for (std::size_t e = 0; e < 3; ++e) {
        gradient.adapters[e].size = groups.bank.adapters[e].size;
        CHECK(filling_is_zero(gradient.adapters[e]));
      }
      for (std::size_t e = 0; e < 3; ++e) {
        AdamWState memory(context, groups.bank.adapters[e], gradient.adapters[e]);
        AdamW{.decay = decay}.step(context, 0.1, step, 1, groups.bank.adapters[e], gradient.adapters[e], memory);
      }
    }
    for (const auto& adapter : groups.bank.adapters) CHECK(filling_is_zero(adapter));
    // The part within the rank did learn.
    const Groups untrained;
    CHECK_FALSE(same_bits(groups.bank.adapters[0].lora_A, untrained.bank.adapters[0].lora_A));
    CHECK_FALSE(same_bits(groups.bank.adapters[2].lora_B, untrained.bank.adapters[2].lora_B));
  }
}

TEST_CASE("a single adapter has peft's names, and several adapters are numbered", "[modules]") {
  const auto names = [](const Bank& bank) {
    std::vector<std::string> result;
    Bank::visit_parameters([&](const std::string& name, const auto&) { result.push_back(name); },
                           std::string("up_proj."), bank);
    return result;
  };
  CHECK(names(Bank(2, 2, {{.rank = 1}})) == std::vector<std::string>{"up_proj.lora_A.weight", "up_proj.lora_B.weight"});
  CHECK(names(Bank(2, 2, {{.rank = 1}, {.rank = 1}})) ==
        std::vector<std::string>{"up_proj.adapters.0.lora_A.weight", "up_proj.adapters.0.lora_B.weight",
                                 "up_proj.adapters.1.lora_A.weight", "up_proj.adapters.1.lora_B.weight"});
  CHECK(names(Bank(2, 2, {{.rank = 1}, {.rank = 1}}).empty_tree()).size() == 4);
}

TEST_CASE("an adapter bank refuses an empty list and invalid ranks", "[modules][misuse]") {
  CHECK_THROWS_WITH(Bank(2, 2, {}), "[AdapterBank] a bank needs at least 1 adapter, got 0");
  CHECK_THROWS_WITH(Bank(2, 2, {{.rank = 3}, {.rank = 0}}), "[LoraAdapter] the rank must be at least 1, got 0");
  CHECK_THROWS_AS(Adapter(2, 2, {.rank = -1}), Error);
  CHECK_THROWS_WITH(Adapter(2, 2, {.rank = 5}, 4),
                    "[LoraAdapter] the rank must be at most the stored rank, got 5 and 4");
  const LoraAdapter<float, Shape> large(2048, 5504, AdapterSize::lora(8, 16));
  CHECK(count_parameters(large, [](const std::string&) { return true; }) == 8 * (2048 + 5504));
}

}  // namespace lora_adapter_test
