#include <array>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/exercises/families/draw.hpp"
#include "multipl_moe/exercises/families/parts.hpp"

namespace multipl_moe::exercises {

namespace {

constexpr Phrases starts{"Start with {0}.", "Begin at {0}.", "Take {0} as the result.",
                         "Give back what becomes of {0} as follows."};
constexpr Phrases conditional{"If {s} is {when}, {order}.", "When {s} is {when}, {order}.",
                              "In case {s} is {when}, {order}.", "Should {s} be {when}, {order}."};
constexpr Phrases ends{" Return the result.", " That is the result.", "", ""};

std::string capitalized(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
}

/// One step: a change of the result by a constant or an argument, which may depend on a condition.
struct Link {
  const Operator* change = nullptr;
  Expression operand;
  std::string operand_text;
  const Condition* condition = nullptr;  ///< null: always
  bool is_of_argument = false;           ///< the condition is one of the first argument, not of the result
  std::int64_t limit = 0;

  Statement statement() const {
    const Expression result = local(Local::result);
    const Statement changed = set(Local::result, binary(change->op, result, operand));
    if (condition == nullptr) return changed;
    return branch(condition_on(*condition, is_of_argument ? parameter(0) : result, limit), {changed});
  }

  std::string sentence(std::size_t w) const {
    const std::string order = filled(change->order[w], {{"c", operand_text}});
    if (condition == nullptr) return capitalized(order) + ".";
    return filled(conditional[w], {{"s", is_of_argument ? first_parameter : "the result"},
                                   {"when", with(condition->of_one, w, limit)},
                                   {"order", order}});
  }
};

}  // namespace

Exercise draw_chain(Draws& draws) {
  constexpr int most_products = 2, most_conditions = 3;
  const std::int64_t count = draws.between(2, 5);
  int products = 0, conditions = 0;
  bool has_second = false, has_constant = false;
  std::vector<std::string_view> operators;
  std::vector<std::int64_t> constants;
  std::vector<Statement> body{declare(Local::result, parameter(0))};
  std::vector<Link> links;
  while (std::ssize(links) < count) {
    Link link;
    link.change = &draws.one_of(arithmetic);
    const bool is_product = link.change->op == Op::times;
    // More products would leave the range of numbers, and the tests of the other steps would be few.
    if (is_product && products == most_products) continue;
    if (conditions < most_conditions && draws.below(3) == 0) {
      ++conditions;
      link.condition = &draws.one_of(comparisons);
      // After a product few results are near a constant, so that few tests would tell conditions apart.
      link.is_of_argument = products > 0 || draws.below(2) == 0;
      link.limit = draw_constant(draws);
      operators.insert(operators.end(), {link.is_of_argument ? "first" : "result", link.condition->name});
      constants.push_back(link.limit);
    }
    products += is_product ? 1 : 0;
    operators.push_back(link.change->name);
    // Mutants with another constant need one.
    if (!is_product && has_constant && draws.below(4) == 0) {
      link.operand = parameter(1);
      link.operand_text = second_parameter;
      has_second = true;
      operators.push_back("second");
    } else {
      const std::int64_t c = draw_constant(draws);
      link.operand = number(c);
      link.operand_text = std::to_string(c);
      constants.push_back(c);
      has_constant = true;
    }
    body.push_back(link.statement());
    links.push_back(std::move(link));
  }
  body.push_back(give(local(Local::result)));
  const auto sentence = [&](std::size_t w) {
    std::string text(starts[w]);
    for (const Link& link : links) text += " " + link.sentence(w);
    return text + std::string(ends[w]);
  };
  return {Family::chain,
          key_of(Family::chain, operators, constants),
          {has_second ? std::vector{Type::integer, Type::integer} : std::vector{Type::integer}, Type::integer, body},
          in_each_wording(sentence)};
}

}  // namespace multipl_moe::exercises
