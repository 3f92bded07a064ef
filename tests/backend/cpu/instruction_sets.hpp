/// Tests for every instruction set of this CPU.
#pragma once

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "support/catch.hpp"

namespace moe::testing {

/// Uses an instruction set, and the former one again at the end.
class WithInstructionSet {
 public:
  explicit WithInstructionSet(cpu::InstructionSet set) : former_(cpu::instruction_set()) {
    cpu::use_instruction_set(set);
  }
  ~WithInstructionSet() { cpu::use_instruction_set(former_); }
  WithInstructionSet(const WithInstructionSet&) = delete;
  WithInstructionSet& operator=(const WithInstructionSet&) = delete;

 private:
  cpu::InstructionSet former_;
};

/// Calls f with each instruction set of this CPU in use.
template <class F>
void for_each_instruction_set(const F& f) {
  for (const cpu::InstructionSet set : cpu::instruction_sets()) {
    const WithInstructionSet used(set);
    INFO("instruction set " << cpu::name_of(set));
    f();
  }
}

/// Checks that compute() returns the same in every instruction set with a fused multiply-add, which are all but the
/// lowest.
template <class Compute>
void check_equal_in_fused_sets(const Compute& compute) {
  const auto sets = cpu::instruction_sets();
  if (sets.size() < 3) {
    WARN("this CPU has one instruction set with fused multiply-add at most; nothing is compared");
    return;
  }
  const auto of = [&](cpu::InstructionSet set) {
    const WithInstructionSet used(set);
    return compute();
  };
  const auto expected = of(sets[1]);
  for (std::size_t i = 2; i < sets.size(); ++i) {
    INFO("instruction sets " << cpu::name_of(sets[1]) << " and " << cpu::name_of(sets[i]));
    CHECK((of(sets[i]) == expected));
  }
}

}  // namespace moe::testing
