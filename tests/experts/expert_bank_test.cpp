#include "moe/experts/expert_bank.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"

namespace expert_bank_test {

using namespace moe;

namespace {
using Bank = ExpertBank<SwiGlu<float, Cpu<>>>;
static_assert(Module<Bank>);
static_assert(std::is_same_v<Bank::rebind<double>, ExpertBank<SwiGlu<double, Cpu<>>>>);
}  // namespace

TEST_CASE("a bank's parameter names number its experts as in checkpoints", "[modules]") {
  const Bank bank(2, 3, 4);
  CHECK(bank.count() == 2);
  CHECK(bank.width() == 3);
  std::vector<std::string> names;
  Bank::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("mlp."),
                         bank);
  CHECK(names == std::vector<std::string>{"mlp.experts.0.gate_proj.weight", "mlp.experts.0.up_proj.weight",
                                          "mlp.experts.0.down_proj.weight", "mlp.experts.1.gate_proj.weight",
                                          "mlp.experts.1.up_proj.weight", "mlp.experts.1.down_proj.weight"});
}

TEST_CASE("an empty tree of a bank has its experts and no memory", "[modules]") {
  const Bank tree = Bank(2, 3, 4).empty_tree();
  CHECK(tree.count() == 2);
  for (const auto& expert : tree.experts) CHECK(expert.gate_proj.empty());
}

TEST_CASE("a bank without experts is refused", "[modules]") {
  CHECK_THROWS_WITH(Bank(0, 3, 4), "[ExpertBank] a layer needs at least 1 expert, got 0");
}

}  // namespace expert_bank_test
