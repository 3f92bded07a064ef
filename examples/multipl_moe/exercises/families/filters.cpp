#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/exercises/families/draw.hpp"
#include "multipl_moe/exercises/families/parts.hpp"

namespace multipl_moe::exercises {

namespace {

/// Two or three conditions as one: the places of the conditions that hold together or of which one holds.
struct Compound {
  std::string_view name;
  std::size_t count;
  Phrases phrases;  ///< {p}, {q} and {r} are the conditions
};

constexpr std::array compounds{
    Compound{"and", 2, {"{p} and {q}", "{p} and also {q}", "both {p} and {q}", "{p} and besides {q}"}},
    Compound{"or", 2, {"{p} or {q}", "{p} or else {q}", "either {p} or {q}", "{p} or at least {q}"}},
    Compound{"all",
             3,
             {"{p}, {q} and {r}", "{p}, {q} and also {r}", "{p}, {q} and {r} at once", "{p}, {q} and besides {r}"}},
    Compound{
        "any", 3, {"{p}, {q} or {r}", "{p}, {q} or else {r}", "any of {p}, {q} or {r}", "{p}, {q} or at least {r}"}},
    Compound{"and_or",
             3,
             {"{p} and either {q} or {r}", "{p} and also one of {q} or {r}", "both {p} and one of {q} or {r}",
              "{p} and besides {q} or else {r}"}},
    Compound{"or_and",
             3,
             {"{p}, or both {q} and {r}", "{p}, or else {q} as well as {r}", "either {p} or {q} together with {r}",
              "{p}, or at least {q} and besides {r}"}}};

Expression as_one(const Compound& compound, const std::vector<Expression>& conditions) {
  const Expression &p = conditions[0], &q = conditions[1];
  if (compound.name == "and") return binary(Op::both, p, q);
  if (compound.name == "or") return binary(Op::either, p, q);
  const Expression& r = conditions[2];
  if (compound.name == "all") return binary(Op::both, binary(Op::both, p, q), r);
  if (compound.name == "any") return binary(Op::either, binary(Op::either, p, q), r);
  if (compound.name == "and_or") return binary(Op::both, p, binary(Op::either, q, r));
  return binary(Op::either, p, binary(Op::both, q, r));
}

/// Whether the conditions at two places must both hold, rather than one of them.
bool hold_together(const Compound& compound, std::size_t i, std::size_t j) {
  const bool are_inner = i > 0 && j > 0;
  if (compound.name == "and_or") return !are_inner;
  if (compound.name == "or_and") return are_inner;
  return compound.name == "and" || compound.name == "all";
}

/// Different conditions in random order.
std::vector<Condition> draw_conditions(std::size_t count, Draws& draws) {
  std::vector<Condition> left(filter_conditions.begin(), filter_conditions.end()), drawn;
  while (drawn.size() < count) {
    const auto place = static_cast<std::ptrdiff_t>(draws.below(left.size()));
    drawn.push_back(left[static_cast<std::size_t>(place)]);
    left.erase(left.begin() + place);
  }
  return drawn;
}

/// A constant for each condition, such that no two of the conditions exclude or imply one another.
std::vector<std::int64_t> draw_limits(const Compound& compound, const std::vector<Condition>& conditions,
                                      Draws& draws) {
  const std::int64_t low = draw_constant(draws, 60), high = low + draws.between(10, 39);
  std::vector<std::int64_t> limits(conditions.size());
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (conditions[i].of_remainder) {
      limits[i] = draws.between(2, 9);
      for (std::size_t j = 0; j < i; ++j)
        while (conditions[j].of_remainder && (limits[i] % limits[j] == 0 || limits[j] % limits[i] == 0))
          limits[i] = draws.between(2, 9);
      continue;
    }
    // Of "above" and "below", which may be one of the two, the other decides where the range lies.
    bool is_inside = true;
    for (std::size_t j = 0; j < conditions.size(); ++j)
      if (j != i && !conditions[j].of_remainder) is_inside = hold_together(compound, i, j);
    limits[i] = (conditions[i].op == Op::greater) == is_inside ? low : high;
  }
  return limits;
}

constexpr Phrases kept_lists{"the list", "a list of them", "the list", "the list"};

constexpr Phrases filter_forms{"Of the elements of {0} that are {when}{each}, return {sum}.",
                               "Take all values in {0} that are {when}{each}, and compute {sum}.",
                               "Keep only the members of {0} that are {when}{each}, and find {sum}.",
                               "Give back {sum} after a choice from {0} of those numbers that are {when}{each}."};

}  // namespace

Exercise draw_filters(Draws& draws) {
  const Compound& compound = draws.one_of(compounds);
  const std::vector<Condition> conditions = draw_conditions(compound.count, draws);
  const std::vector<std::int64_t> limits = draw_limits(compound, conditions, draws);
  std::vector<std::string_view> operators{compound.name};
  std::vector<std::int64_t> constants = limits;
  std::vector<Expression> tests;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    operators.push_back(conditions[i].name);
    tests.push_back(condition_on(conditions[i], local(Local::item), limits[i]));
  }

  const std::size_t kind = draws.below(aggregates.size() + 1);
  const Aggregate* aggregate = kind < aggregates.size() ? &aggregates[kind] : nullptr;
  operators.push_back(aggregate != nullptr ? aggregate->name : "list");
  // A change of the elements would not change their number.
  const bool is_count = aggregate != nullptr && aggregate->name == "count";
  const Operator* change = is_count || draws.below(2) == 0 ? nullptr : &draws.one_of(arithmetic);
  Expression item = local(Local::item);
  if (change != nullptr) {
    operators.push_back(change->name);
    constants.push_back(draw_constant(draws));
    item = binary(change->op, item, number(constants.back()));
  }

  const auto sentence = [&](std::size_t w) {
    Words words;
    constexpr std::array<std::string_view, 3> places{"p", "q", "r"};
    for (std::size_t i = 0; i < conditions.size(); ++i)
      words.emplace_back(places[i], with(conditions[i].of_one, w, limits[i]));
    return filled(filter_forms[w], {{"when", filled(compound.phrases[w], words)},
                                    {"each", change != nullptr ? ", " + with(change->each, w, constants.back()) : ""},
                                    {"sum", std::string((aggregate != nullptr ? aggregate->of_kept : kept_lists)[w])}});
  };
  const Local target = aggregate != nullptr ? aggregate->sum : Local::result;
  const Statement kept = aggregate != nullptr ? add(target, added_by(*aggregate, item)) : append(target, item);
  return {Family::filters,
          key_of(Family::filters, operators, constants),
          {{Type::list},
           aggregate != nullptr ? Type::integer : Type::list,
           {declare(target, aggregate != nullptr ? number(0) : empty_list()),
            each(Local::item, parameter(0), {branch(as_one(compound, tests), {kept})}), give(local(target))}},
          in_each_wording(sentence)};
}

}  // namespace multipl_moe::exercises
