#include "moe/backend/cpu/isa/instruction_set.hpp"

#include <cstdlib>
#include <string>

#include "backend/cpu/instruction_sets.hpp"
#include "moe/backend/cpu/cpu.hpp"

namespace instruction_set_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// MOE_CPU with a value, and the former value at the end.
class WithVariable {
 public:
  explicit WithVariable(const char* value) {
    if (const char* const former = std::getenv("MOE_CPU")) former_ = former;
    ::setenv("MOE_CPU", value, 1);
  }
  ~WithVariable() { former_.empty() ? ::unsetenv("MOE_CPU") : ::setenv("MOE_CPU", former_.c_str(), 1); }

 private:
  std::string former_;
};

}  // namespace

TEST_CASE("MOE_CPU names the instruction set; without it the fastest is used", "[cpu][isa]") {
  const auto sets = cpu::instruction_sets();
  CHECK(sets.front() == cpu::InstructionSet::baseline);
  for (const cpu::InstructionSet set : sets) {
    const WithVariable variable(cpu::name_of(set));
    CHECK(cpu::detail::first_set() == set);
  }
  const WithVariable variable("");
  CHECK(cpu::detail::first_set() == sets.back());
}

TEST_CASE("an instruction set that the CPU lacks is an error that lists those it has", "[cpu][isa]") {
  const WithVariable variable("avx1024");
  CHECK_THROWS_WITH(cpu::detail::first_set(),
                    ContainsSubstring("[MOE_CPU] must be an instruction set of this CPU (baseline") &&
                        ContainsSubstring("\"avx1024\""));
  for (const auto set : {cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
    const auto sets = cpu::instruction_sets();
    if (std::find(sets.begin(), sets.end(), set) != sets.end()) continue;
    CHECK_THROWS_WITH(cpu::use_instruction_set(set),
                      ContainsSubstring("[use_instruction_set] must be an instruction set"));
  }
}

TEST_CASE("weights that were packed for another instruction set are not used", "[cpu][isa]") {
  const auto sets = cpu::instruction_sets();
  if (sets.size() < 2) return;
  const CpuContext context;
  const Matrix<float, Cpu<>> w(5, 7);
  cpu::PackedWeights packed;
  packed.add<float>(context, w.view());
  const WithInstructionSet used(sets[cpu::instruction_set() == sets[0] ? 1 : 0]);
  CHECK_THROWS_WITH(packed.find(w.view()), ContainsSubstring("a weight of 5 x 7 was packed for the instruction set") &&
                                               ContainsSubstring("; pack the layer again"));
}

}  // namespace instruction_set_test
