/// Wrong variants of a function, each with one changed constant or operator, that tests must reject.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/exercises/tree.hpp"

namespace multipl_moe::exercises {

enum class Mistake : std::uint8_t { other_constant, other_operator, off_by_one };

inline constexpr std::array all_mistakes{Mistake::other_constant, Mistake::other_operator, Mistake::off_by_one};

constexpr std::string_view name_of(Mistake mistake) {
  return std::array<std::string_view, 3>{"other_constant", "other_operator",
                                         "off_by_one"}[static_cast<std::size_t>(mistake)];
}

struct Mutant {
  Mistake mistake;
  Function function;
};

/// The operators that replace `op` in mutants.
inline std::vector<Op> other_operators(Op op) {
  switch (op) {
    case Op::plus:
      return {Op::minus, Op::times};
    case Op::minus:
      return {Op::plus, Op::times};
    case Op::times:
      return {Op::plus, Op::minus};
    case Op::quotient:
      return {Op::minus, Op::times};
    case Op::less:
      return {Op::greater, Op::equal};
    case Op::greater:
      return {Op::less, Op::equal};
    case Op::equal:
      return {Op::unequal, Op::greater};
    case Op::unequal:
      return {Op::equal, Op::greater};
    case Op::both:
      return {Op::either};
    case Op::either:
      return {Op::both};
    default:
      return {};
  }
}

/// The replacements of one expression; no constant becomes negative.
inline std::vector<std::pair<Mistake, Expression>> mistakes_in(const Expression& right) {
  std::vector<std::pair<Mistake, Expression>> wrong;
  const auto with_number = [&](Mistake mistake, std::int64_t value, std::int64_t least) {
    Expression changed = right;
    changed.number = value;
    if (value >= least) wrong.emplace_back(mistake, std::move(changed));
  };
  if (right.op == Op::number || right.op == Op::repeat) {
    const std::int64_t least = right.op == Op::repeat ? 1 : 0;
    for (const std::int64_t distance : {3, -2}) with_number(Mistake::other_constant, right.number + distance, least);
    for (const std::int64_t distance : {1, -1}) with_number(Mistake::off_by_one, right.number + distance, least);
  }
  if (right.op == Op::literal) {
    Expression changed = right;
    changed.text.front() = right.text.front() == 'k' ? 'b' : 'k';
    wrong.emplace_back(Mistake::other_constant, changed);
    changed = right;
    changed.text.pop_back();
    wrong.emplace_back(Mistake::off_by_one, std::move(changed));
  }
  if (right.op == Op::join) {
    Expression changed = right;
    std::swap(changed.parts.front(), changed.parts.back());
    wrong.emplace_back(Mistake::other_operator, std::move(changed));
  }
  for (const Op op : other_operators(right.op)) {
    Expression changed = right;
    changed.op = op;
    wrong.emplace_back(Mistake::other_operator, std::move(changed));
  }
  return wrong;
}

/// All mutants with a single change, in a fixed order.
inline std::vector<Mutant> mutants_of(const Function& function) {
  std::vector<Mutant> mutants;
  std::size_t place = 0;
  for_each_expression(function.body, [&](const Expression& expression) {
    for (const std::pair<Mistake, Expression>& wrong : mistakes_in(expression)) {
      Function mutant = function;
      std::size_t at = 0;
      for_each_expression(mutant.body, [&](Expression& other) {
        if (at++ == place) other = wrong.second;
      });
      mutants.push_back({wrong.first, std::move(mutant)});
    }
    ++place;
  });
  return mutants;
}

}  // namespace multipl_moe::exercises
