#include "multipl_moe/exercises/families.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "multipl_moe/exercises/phrases.hpp"

namespace multipl_moe::exercises {

namespace {

struct Row {
  Family family;
  std::string_view name;
  int level;
};

constexpr std::array rows{Row{Family::constants, "constants", 1},
                          Row{Family::arguments, "arguments", 1},
                          Row{Family::choice, "choice", 2},
                          Row{Family::fold, "fold", 2},
                          Row{Family::text, "text", 2},
                          Row{Family::map_filter, "map_filter", 3},
                          Row{Family::two_steps, "two_steps", 3},
                          Row{Family::pairs, "pairs", 4},
                          Row{Family::repetition, "repetition", 4}};

Expression condition_on(const Condition& condition, Expression left, std::int64_t constant) {
  if (condition.op == Op::remainder)
    return binary(Op::equal, binary(Op::remainder, std::move(left), number(constant)), number(0));
  return binary(condition.op, std::move(left), number(constant));
}

std::string whole(const Operator& op, std::size_t wording, const std::string& a, const std::string& c) {
  return filled(op.whole[wording], {{"a", a}, {"c", c}});
}

std::string with(const Phrases& phrases, std::size_t wording, std::int64_t constant) {
  return filled(phrases[wording], {{"c", std::to_string(constant)}});
}

/// The parameters in sentences.
const std::string first = "{0}", second = "{1}";

/// Writes the sentence in every wording.
template <class F>
std::array<std::string, sentence_count> in_each_wording(const F& sentence) {
  std::array<std::string, sentence_count> sentences;
  for (std::size_t wording = 0; wording < sentence_count; ++wording) sentences[wording] = sentence(wording);
  return sentences;
}

std::string opened(std::size_t wording, const std::string& rest) {
  return fmt::format("{} {}.", openers[wording], rest);
}

Key key_of(Family family, std::initializer_list<std::string_view> operators,
           std::initializer_list<std::int64_t> constants) {
  Key key(name_of(family));
  for (const std::string_view op : operators) key += fmt::format(" {}", op);
  for (const std::int64_t constant : constants) key += fmt::format(" {}", constant);
  return key;
}

std::int64_t draw_constant(Draws& draws) { return draws.between(2, 99); }

Exercise draw_constants(Draws& draws) {
  const Operator& one = draws.one_of(arithmetic);
  const std::int64_t c = draw_constant(draws);
  const bool has_two = draws.below(2) == 1;
  const Expression changed = binary(one.op, parameter(0), number(c));
  if (!has_two)
    return {Family::constants,
            key_of(Family::constants, {one.name}, {c}),
            {{Type::integer}, Type::integer, {give(changed)}},
            in_each_wording([&](std::size_t w) { return opened(w, whole(one, w, first, std::to_string(c))); })};
  const Operator& two = draws.one_of(arithmetic);
  const std::int64_t d = draw_constant(draws);
  return {Family::constants,
          key_of(Family::constants, {one.name, two.name}, {c, d}),
          {{Type::integer}, Type::integer, {give(binary(two.op, changed, number(d)))}},
          in_each_wording([&](std::size_t w) {
            return opened(w, whole(one, w, first, std::to_string(c)) + with(two.after, w, d));
          })};
}

Exercise draw_arguments(Draws& draws) {
  const Operator& one = draws.one_of(arithmetic);
  const Operator& two = draws.one_of(arithmetic);
  const std::int64_t c = draw_constant(draws);
  return {
      Family::arguments,
      key_of(Family::arguments, {one.name, two.name}, {c}),
      {{Type::integer, Type::integer},
       Type::integer,
       {give(binary(two.op, binary(one.op, parameter(0), parameter(1)), number(c)))}},
      in_each_wording([&](std::size_t w) { return opened(w, whole(one, w, first, second) + with(two.after, w, c)); })};
}

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
    return filled(forms[w], {{"when", with(condition.of_one, w, c)},
                             {"then", whole(one, w, first, std::to_string(d))},
                             {"else", changes_both ? whole(two, w, first, std::to_string(e)) : first}});
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

Expression added_by(const Aggregate& aggregate, Expression element) {
  if (aggregate.name == "count") return number(1);
  if (aggregate.name == "sum") return element;
  Expression other = element;
  return binary(Op::times, std::move(element), std::move(other));
}

Exercise draw_fold(Draws& draws) {
  const Aggregate& aggregate = draws.one_of(aggregates);
  const Condition& condition = draws.one_of(element_conditions);
  const std::int64_t c = condition.op == Op::remainder ? draws.between(2, 19) : draw_constant(draws);
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

/// Three letters that no language's own words have in common with each other: consonant, vowel, consonant.
std::string draw_syllable(Draws& draws) {
  constexpr std::string_view consonants = "bdfgklmnprstvz", vowels = "aeiou";
  return {draws.one_of(consonants), draws.one_of(vowels), draws.one_of(consonants)};
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

Exercise draw_map_filter(Draws& draws) {
  const Condition& condition = draws.one_of(element_conditions);
  const std::int64_t c = condition.op == Op::remainder ? draws.between(2, 19) : draw_constant(draws);
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

}  // namespace

std::string filled(std::string_view phrase, const Words& words) {
  std::string text;
  while (!phrase.empty()) {
    const std::size_t before = (std::min)(phrase.find('{'), phrase.size());
    text += phrase.substr(0, before);
    phrase.remove_prefix(before);
    const std::size_t end = phrase.find('}');
    if (end == phrase.npos) break;
    const std::string_view name = phrase.substr(1, end - 1);
    const auto word = std::find_if(words.begin(), words.end(), [name](const auto& each) { return each.first == name; });
    text += word == words.end() ? phrase.substr(0, end + 1) : std::string_view(word->second);
    phrase.remove_prefix(end + 1);
  }
  return text;
}

std::string_view name_of(Family family) { return rows[static_cast<std::size_t>(family)].name; }

int level_of(Family family) { return rows[static_cast<std::size_t>(family)].level; }

std::vector<Family> families_of(int level) {
  std::vector<Family> families;
  std::copy_if(all_families.begin(), all_families.end(), std::back_inserter(families),
               [level](Family family) { return level_of(family) == level; });
  return families;
}

Exercise draw_exercise(Family family, Draws& draws) {
  constexpr std::array drawn_by{draw_constants,  draw_arguments, draw_choice, draw_fold,      draw_text,
                                draw_map_filter, draw_two_steps, draw_pairs,  draw_repetition};
  return drawn_by[static_cast<std::size_t>(family)](draws);
}

}  // namespace multipl_moe::exercises
