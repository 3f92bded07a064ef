/// A problem of the benchmark: a function with names, and the calls by which it is tested.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/exercises/draws.hpp"
#include "multipl_moe/exercises/families.hpp"
#include "multipl_moe/exercises/mutants.hpp"
#include "multipl_moe/exercises/tree.hpp"

namespace multipl_moe::exercises {

/// The words of an identifier, which each language joins in its own way.
using NameWords = std::array<std::string, 3>;

struct Names {
  NameWords function;
  std::vector<std::string> parameters;
};

/// A random name of 6,000, and names of parameters that fit their types.
Names draw_names(const Function& function, Draws& draws);

struct Call {
  std::vector<Value> arguments;
  Value result;
};

/// Different random arguments near the function's constants, and what it returns for them. Calls for which languages
/// may differ are left out.
std::vector<Call> draw_calls(const Function& function, std::size_t count, Draws& draws);

struct Tested {
  std::vector<Call> calls;
  std::array<Function, all_mistakes.size()> mutants;  ///< one of each Mistake; each fails on at least one call
};

/// Calls that tell `function` from every mutant of mutants_of() that any of many random calls tells apart, and three
/// of the mutants. Empty if there is not one of each kind, as for a function whose conditions hardly matter.
std::optional<Tested> draw_tests(const Function& function, Draws& draws);

}  // namespace multipl_moe::exercises
