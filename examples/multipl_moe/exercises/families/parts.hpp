/// What the families have in common: conditions and sums as trees, sentences in each wording, keys.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/exercises/families.hpp"
#include "multipl_moe/exercises/phrases.hpp"

namespace multipl_moe::exercises {

/// The parameters in sentences.
inline const std::string first_parameter = "{0}", second_parameter = "{1}";

inline Expression condition_on(const Condition& condition, Expression left, std::int64_t constant) {
  if (condition.of_remainder)
    return binary(condition.op, binary(Op::remainder, std::move(left), number(constant)), number(0));
  return binary(condition.op, std::move(left), number(constant));
}

/// What `aggregate` adds up for an element.
inline Expression added_by(const Aggregate& aggregate, Expression element) {
  if (aggregate.name == "count") return number(1);
  if (aggregate.name == "sum") return element;
  Expression other = element;
  return binary(Op::times, std::move(element), std::move(other));
}

inline std::int64_t draw_constant(Draws& draws, std::int64_t most = 99) { return draws.between(2, most); }

inline std::string whole(const Operator& op, std::size_t wording, const std::string& a, const std::string& c) {
  return filled(op.whole[wording], {{"a", a}, {"c", c}});
}

inline std::string with(const Phrases& phrases, std::size_t wording, std::int64_t constant) {
  return filled(phrases[wording], {{"c", std::to_string(constant)}});
}

/// Writes the sentence in every wording.
template <class F>
std::array<std::string, sentence_count> in_each_wording(const F& sentence) {
  std::array<std::string, sentence_count> sentences;
  for (std::size_t wording = 0; wording < sentence_count; ++wording) sentences[wording] = sentence(wording);
  return sentences;
}

inline std::string opened(std::size_t wording, const std::string& rest) {
  return fmt::format("{} {}.", openers[wording], rest);
}

inline Key key_of(Family family, const std::vector<std::string_view>& operators,
                  const std::vector<std::int64_t>& constants) {
  Key key(name_of(family));
  for (const std::string_view op : operators) key += fmt::format(" {}", op);
  for (const std::int64_t constant : constants) key += fmt::format(" {}", constant);
  return key;
}

}  // namespace multipl_moe::exercises
