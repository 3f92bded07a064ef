#include <array>
#include <string>
#include <string_view>

#include "multipl_moe/exercises/families/draw.hpp"
#include "multipl_moe/exercises/families/parts.hpp"

namespace multipl_moe::exercises {

namespace {

/// Three letters that no language's own words have in common with each other: consonant, vowel, consonant.
std::string draw_syllable(Draws& draws) {
  constexpr std::string_view consonants = "bdfgklmnprstvz", vowels = "aeiou";
  return {draws.one_of(consonants), draws.one_of(vowels), draws.one_of(consonants)};
}

}  // namespace

Exercise draw_constants(Draws& draws) {
  const Operator& one = draws.one_of(arithmetic);
  const std::int64_t c = draw_constant(draws);
  const bool has_two = draws.below(2) == 1;
  const Expression changed = binary(one.op, parameter(0), number(c));
  if (!has_two)
    return {
        Family::constants,
        key_of(Family::constants, {one.name}, {c}),
        {{Type::integer}, Type::integer, {give(changed)}},
        in_each_wording([&](std::size_t w) { return opened(w, whole(one, w, first_parameter, std::to_string(c))); })};
  const Operator& two = draws.one_of(arithmetic);
  const std::int64_t d = draw_constant(draws);
  return {Family::constants,
          key_of(Family::constants, {one.name, two.name}, {c, d}),
          {{Type::integer}, Type::integer, {give(binary(two.op, changed, number(d)))}},
          in_each_wording([&](std::size_t w) {
            return opened(w, whole(one, w, first_parameter, std::to_string(c)) + with(two.after, w, d));
          })};
}

Exercise draw_arguments(Draws& draws) {
  const Operator& one = draws.one_of(arithmetic);
  const Operator& two = draws.one_of(arithmetic);
  const std::int64_t c = draw_constant(draws);
  return {Family::arguments,
          key_of(Family::arguments, {one.name, two.name}, {c}),
          {{Type::integer, Type::integer},
           Type::integer,
           {give(binary(two.op, binary(one.op, parameter(0), parameter(1)), number(c)))}},
          in_each_wording([&](std::size_t w) {
            return opened(w, whole(one, w, first_parameter, second_parameter) + with(two.after, w, c));
          })};
}

Exercise draw_text(Draws& draws) {
  constexpr Phrases once{"{0}", "{0}", "{0}", "{0}"};
  constexpr Phrases often{"{0} repeated {c} times", "{c} copies of {0}", "{0} written {c} times", "a row of {c} {0}"};
  constexpr Phrases after{"{s}, then \"{t}\"", "{s} followed by \"{t}\"", "{s} with \"{t}\" at the end",
                          "{s}, closed by \"{t}\""};
  constexpr Phrases before{"\"{t}\", then {s}", "\"{t}\" followed by {s}", "{s} with \"{t}\" at the start",
                           "{s}, opened by \"{t}\""};
  const std::string added = draw_syllable(draws);
  const std::int64_t times = draws.between(1, 5);
  const bool is_last = draws.below(2) == 1;
  const Expression text = times == 1 ? parameter(0) : repeated(parameter(0), times);
  const Expression joined = is_last ? binary(Op::join, text, literal(added)) : binary(Op::join, literal(added), text);
  return {Family::text,
          key_of(Family::text, {is_last ? "after" : "before", added}, {times}),
          {{Type::text}, Type::text, {give(joined)}},
          in_each_wording([&](std::size_t w) {
            const std::string repetition = with(times == 1 ? once : often, w, times);
            return opened(w, filled((is_last ? after : before)[w], {{"s", repetition}, {"t", added}}));
          })};
}

}  // namespace multipl_moe::exercises
