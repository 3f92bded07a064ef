#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "multipl_moe/exercises/families/draw.hpp"
#include "multipl_moe/exercises/families/parts.hpp"

namespace multipl_moe::exercises {

Exercise draw_choice(Draws& draws) {
  constexpr Phrases forms{"If {0} is {when}, return {then}, otherwise {else}.",
                          "Compute {then} when {0} is {when}, else {else}.",
                          "When {0} is {when}, find {then}, and in all other cases {else}.",
                          "Give back {else}, but {then} as soon as {0} is {when}."};
  const Condition& condition = draws.one_of(comparisons);
  const std::int64_t c = draw_constant(draws), d = draw_constant(draws), e = draw_constant(draws);
  const Operator& one = draws.one_of(arithmetic);
  const Operator& two = draws.one_of(arithmetic);
  const bool changes_both = draws.below(2) == 1;
  const Expression unchanged = parameter(0);
  const auto sentence = [&](std::size_t w) {
    return filled(forms[w],
                  {{"when", with(condition.of_one, w, c)},
                   {"then", whole(one, w, first_parameter, std::to_string(d))},
                   {"else", changes_both ? whole(two, w, first_parameter, std::to_string(e)) : first_parameter}});
  };
  const Key key = changes_both ? key_of(Family::choice, {condition.name, one.name, two.name}, {c, d, e})
                               : key_of(Family::choice, {condition.name, one.name}, {c, d});
  return {Family::choice,
          key,
          {{Type::integer},
           Type::integer,
           {branch(condition_on(condition, parameter(0), c), {give(binary(one.op, parameter(0), number(d)))}),
            give(changes_both ? binary(two.op, parameter(0), number(e)) : unchanged)}},
          in_each_wording(sentence)};
}

Exercise draw_fold(Draws& draws) {
  const Aggregate& aggregate = draws.one_of(aggregates);
  const Condition& condition = draws.one_of(element_conditions);
  const std::int64_t c = condition.of_remainder ? draws.between(2, 19) : draw_constant(draws);
  const Expression item = local(Local::item);
  return {Family::fold,
          key_of(Family::fold, {aggregate.name, condition.name}, {c}),
          {{Type::list},
           Type::integer,
           {declare(aggregate.sum, number(0)),
            each(Local::item, parameter(0),
                 {branch(condition_on(condition, item, c), {add(aggregate.sum, added_by(aggregate, item))})}),
            give(local(aggregate.sum))}},
          in_each_wording([&](std::size_t w) {
            return opened(
                w, fmt::format("{} {} {}", aggregate.phrases[w], elements[w], with(condition.of_elements, w, c)));
          })};
}

Exercise draw_map_filter(Draws& draws) {
  const Condition& condition = draws.one_of(element_conditions);
  const std::int64_t c = condition.of_remainder ? draws.between(2, 19) : draw_constant(draws);
  const Operator& op = draws.one_of(arithmetic);
  const std::int64_t d = draw_constant(draws);
  const Expression item = local(Local::item);
  return {Family::map_filter,
          key_of(Family::map_filter, {condition.name, op.name}, {c, d}),
          {{Type::list},
           Type::list,
           {declare(Local::result, empty_list()),
            each(Local::item, parameter(0),
                 {branch(condition_on(condition, item, c), {append(Local::result, binary(op.op, item, number(d)))})}),
            give(local(Local::result))}},
          in_each_wording([&](std::size_t w) {
            return opened(
                w, fmt::format("{} {}, {}", elements[w], with(condition.of_elements, w, c), with(op.each, w, d)));
          })};
}

Exercise draw_two_steps(Draws& draws) {
  constexpr Phrases forms{"Return {sum} {of}, if it is {when}, otherwise {else}.",
                          "Compute {sum} {of} when that is {when}, else {else}.",
                          "Find {sum} {of} as long as it is {when}, and in all other cases {else}.",
                          "Give back {else}, unless {sum} {of} is {when}, which then is the answer."};
  constexpr Phrases lengths{"the number of its elements", "the length of the list", "how many members there are",
                            "the size of the list"};
  const Aggregate& aggregate = aggregates[static_cast<std::size_t>(draws.below(2))];
  const Condition& condition = draws.one_of(comparisons);
  const std::int64_t c = draw_constant(draws), d = draw_constant(draws);
  const bool gives_length = draws.below(2) == 1;
  const auto sentence = [&](std::size_t w) {
    return filled(forms[w], {{"sum", std::string(aggregate.phrases[w])},
                             {"of", std::string(elements[w])},
                             {"when", with(condition.of_one, w, c)},
                             {"else", gives_length ? std::string(lengths[w]) : std::to_string(d)}});
  };
  const Key key = gives_length ? key_of(Family::two_steps, {aggregate.name, condition.name, "length"}, {c})
                               : key_of(Family::two_steps, {aggregate.name, condition.name}, {c, d});
  return {Family::two_steps,
          key,
          {{Type::list},
           Type::integer,
           {declare(Local::total, number(0)),
            each(Local::item, parameter(0), {add(Local::total, added_by(aggregate, local(Local::item)))}),
            branch(condition_on(condition, local(Local::total), c), {give(local(Local::total))}),
            give(gives_length ? length_of(parameter(0)) : number(d))}},
          in_each_wording(sentence)};
}

Exercise draw_pairs(Draws& draws) {
  constexpr Phrases forms{"Return the number of pairs of elements of {0} with a {of} {when}.",
                          "Compute how many pairs of values in {0} have a {of} {when}.",
                          "Find the count of pairs of members of {0} with a {of} {when}.",
                          "Give back how often two numbers in {0} have a {of} {when}."};
  // Sums and products as they are named in a sentence; a difference would depend on the order of the pair.
  constexpr std::array combinations{std::pair(Op::plus, std::string_view("sum")),
                                    std::pair(Op::times, std::string_view("product"))};
  const auto& [op, name] = draws.one_of(combinations);
  const Condition& condition = draws.one_of(pair_conditions);
  const std::int64_t c = draw_constant(draws);
  const auto element = [](Local index) { return binary(Op::element, parameter(0), local(index)); };
  const auto sentence = [&, of = std::string(name)](std::size_t w) {
    return filled(forms[w], {{"of", of}, {"when", with(condition.of_one, w, c)}});
  };
  const Statement inner = indices(Local::j, binary(Op::plus, local(Local::i), number(1)), parameter(0),
                                  {branch(condition_on(condition, binary(op, element(Local::i), element(Local::j)), c),
                                          {add(Local::count, number(1))})});
  return {Family::pairs,
          key_of(Family::pairs, {name, condition.name}, {c}),
          {{Type::list},
           Type::integer,
           {declare(Local::count, number(0)), indices(Local::i, number(0), parameter(0), {inner}),
            give(local(Local::count))}},
          in_each_wording(sentence)};
}

Exercise draw_repetition(Draws& draws) {
  constexpr Phrases forms{"Return how often {0} can be {op} while it is {when}.",
                          "Compute the number of times that {0} is {op} as long as it is {when}.",
                          "Find how many times {0} must be {op} until it is no longer {when}.",
                          "Give back in how many rounds {0} stops being {when}, if each time it is {op}."};
  struct Change {
    Op op;
    std::string_view name;
    std::int64_t most;  ///< the largest constant
    bool grows;
    Phrases phrases;
  };
  constexpr std::array changes{
      Change{Op::quotient,
             "quotient",
             9,
             false,
             {"divided by {c}", "divided by {c}", "split by {c}", "cut to one of {c} parts"}},
      Change{Op::minus,
             "minus",
             19,
             false,
             {"decreased by {c}", "lowered by {c}", "reduced by {c}", "brought down by {c}"}},
      Change{Op::times,
             "times",
             9,
             true,
             {"multiplied by {c}", "multiplied by {c}", "scaled by {c}", "taken {c} times over"}},
      Change{
          Op::plus, "plus", 19, true, {"increased by {c}", "raised by {c}", "extended by {c}", "brought up by {c}"}}};
  const Change& change = draws.one_of(changes);
  const Condition& condition = change.grows ? below : above;
  const std::int64_t c = draw_constant(draws), k = draws.between(2, change.most);
  const auto sentence = [&](std::size_t w) {
    return filled(forms[w], {{"op", with(change.phrases, w, k)}, {"when", with(condition.of_one, w, c)}});
  };
  const Expression rest = local(Local::rest);
  return {Family::repetition,
          key_of(Family::repetition, {change.name}, {k, c}),
          {{Type::integer},
           Type::integer,
           {declare(Local::rest, parameter(0)), declare(Local::count, number(0)),
            loop(condition_on(condition, rest, c),
                 {set(Local::rest, binary(change.op, rest, number(k))), add(Local::count, number(1))}),
            give(local(Local::count))}},
          in_each_wording(sentence)};
}

}  // namespace multipl_moe::exercises
