/// The words of the sentences that describe functions, each in every wording.
#pragma once

#include <array>
#include <string_view>

#include "multipl_moe/exercises/families.hpp"
#include "multipl_moe/exercises/tree.hpp"

namespace multipl_moe::exercises {

/// A phrase in each wording.
using Phrases = std::array<std::string_view, sentence_count>;

inline constexpr Phrases openers{"Return", "Compute", "Find", "Give back"};
inline constexpr Phrases elements{"the elements of {0}", "all values in {0}", "the members of {0}",
                                  "those numbers in {0}"};

/// An operator, and the phrases in which a sentence names it. {a} and {c} are its operands.
struct Operator {
  Op op;
  std::string_view name;
  Phrases whole;  ///< as an expression
  Phrases after;  ///< as a second step, after an expression
  Phrases each;   ///< of the elements of a list
  Phrases order;  ///< as an order, what to do with the result so far
};

inline constexpr std::array arithmetic{
    Operator{Op::plus,
             "plus",
             {"{a} plus {c}", "{a} increased by {c}", "the sum of {a} and {c}", "{a} with {c} on top"},
             {", plus {c}", ", then increased by {c}", " and then {c} more", ", {c} being put on top"},
             {"each increased by {c}", "each plus {c}", "with {c} added to each", "every one raised by {c}"},
             {"add {c}", "increase the result by {c}", "put {c} on top", "raise it by {c}"}},
    Operator{Op::minus,
             "minus",
             {"{a} minus {c}", "{a} decreased by {c}", "the difference of {a} and {c}", "{a} with {c} taken off"},
             {", minus {c}", ", then decreased by {c}", " and then {c} less", ", {c} being taken off"},
             {"each decreased by {c}", "each minus {c}", "with {c} taken from each", "every one lowered by {c}"},
             {"subtract {c}", "decrease the result by {c}", "take {c} off", "lower it by {c}"}},
    Operator{Op::times,
             "times",
             {"{a} times {c}", "{a} multiplied by {c}", "the product of {a} and {c}", "{c} lots of {a}"},
             {", all times {c}", ", then multiplied by {c}", " and then {c} times that", ", {c} lots of it"},
             {"each times {c}", "each multiplied by {c}", "with {c} as a factor of each", "every one {c} times over"},
             {"multiply by {c}", "scale the result by {c}", "take that {c} times", "enlarge it by the factor {c}"}}};

/// A condition, and the phrases for a number or a thing with it.
struct Condition {
  Op op;
  std::string_view name;
  Phrases of_one;             ///< after "x is"; for several elements, after "that are"
  Phrases of_elements;        ///< after "the elements"
  bool of_remainder = false;  ///< `op` compares the remainder of a division by the constant with 0
};

inline constexpr Condition above{Op::greater,
                                 "above",
                                 {"above {c}", "greater than {c}", "more than {c}", "over {c}"},
                                 {"above {c}", "that are greater than {c}", "of more than {c}", "that lie over {c}"}};
inline constexpr Condition below{Op::less,
                                 "below",
                                 {"below {c}", "less than {c}", "smaller than {c}", "under {c}"},
                                 {"below {c}", "that are less than {c}", "of less than {c}", "that lie under {c}"}};
inline constexpr Condition equal{Op::equal, "equal", {"of {c}", "equal to {c}", "of exactly {c}", "matching {c}"}, {}};
inline constexpr Condition divisible{
    Op::equal,
    "divisible",
    {"divisible by {c}", "multiples of {c}", "divided by {c}", "in the table of {c}"},
    {"divisible by {c}", "that are multiples of {c}", "that {c} divides", "in the table of {c}"},
    true};
inline constexpr Condition indivisible{
    Op::unequal,
    "indivisible",
    {"not divisible by {c}", "no multiples of {c}", "not divided by {c}", "outside the table of {c}"},
    {},
    true};

inline constexpr std::array comparisons{above, below};
inline constexpr std::array element_conditions{above, below, divisible};
inline constexpr std::array pair_conditions{equal, above, below};
inline constexpr std::array filter_conditions{above, below, divisible, indivisible};

/// What is added up for each element.
struct Aggregate {
  std::string_view name;
  Local sum;
  Phrases phrases;  ///< before "the elements"
  Phrases of_kept;  ///< of elements that the sentence has named before
};

inline constexpr std::array aggregates{
    Aggregate{"sum",
              Local::total,
              {"the sum of", "the total of", "the sum over", "the grand total over"},
              {"the sum", "their total", "the sum", "the grand total"}},
    Aggregate{"squares",
              Local::total,
              {"the sum of the squares of", "the total of the squares of", "the sum over the squares of",
               "the grand total over the squares of"},
              {"the sum of the squares", "the total of their squares", "the sum over the squares",
               "the grand total over the squares"}},
    Aggregate{"count",
              Local::count,
              {"the number of", "the count of", "how many there are among", "the tally of"},
              {"the number", "their count", "how many there are", "the tally"}}};

}  // namespace multipl_moe::exercises
