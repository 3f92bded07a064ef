/// The functions of the exercises as trees, from which all languages are written and expected values are computed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace multipl_moe::exercises {

enum class Type : std::uint8_t { integer, list, text };

using List = std::vector<std::int64_t>;
/// A value of each Type, in its order.
using Value = std::variant<std::int64_t, List, std::string>;

/// The local variables that functions have; their names are the same in all languages and no parameter has one of them.
enum class Local : std::uint8_t { total, count, result, item, rest, i, j };

inline constexpr std::array<std::string_view, 7> local_names{"total", "count", "result", "item", "rest", "i", "j"};

constexpr std::string_view name_of(Local local) { return local_names[static_cast<std::size_t>(local)]; }

enum class Op : std::uint8_t {
  number,   ///< `number`
  literal,  ///< `text`
  empty_list,
  parameter,  ///< parameter `number`
  local,      ///< the Local `number`
  plus,
  minus,
  times,
  quotient,   ///< of a number that is not negative
  remainder,  ///< of a number that is not negative
  less,
  greater,
  equal,
  unequal,
  both,    ///< two conditions, the second of which is computed only if the first one holds
  either,  ///< two conditions, the second of which is computed only if the first one does not hold
  join,    ///< two or more texts, one after another
  repeat,  ///< a text, `number` times
  length,  ///< of a list
  element  ///< of a list, at an index
};

struct Expression {
  Op op = Op::number;
  std::int64_t number = 0;
  std::string text;
  std::vector<Expression> parts;
};

enum class Step : std::uint8_t {
  declare,  ///< a new `target` that starts as `value`
  set,      ///< `target` becomes `value`
  add,      ///< `target` grows by `value`
  append,   ///< `value` is appended to the list `target`
  branch,   ///< `body` if `value` holds
  each,     ///< `body` for each element `target` of the list `value`
  indices,  ///< `body` for each index `target` of the list `value`, from `from` on
  loop,     ///< `body` while `value` holds
  give      ///< returns `value`
};

struct Statement {
  Step step = Step::give;
  Local target = Local::total;
  Expression value;
  std::vector<Statement> body;
  Expression from;
};

struct Function {
  std::vector<Type> parameters;
  Type result = Type::integer;
  std::vector<Statement> body;  ///< ends in Step::give
};

inline Expression number(std::int64_t value) { return {Op::number, value, {}, {}}; }
inline Expression literal(std::string text) { return {Op::literal, 0, std::move(text), {}}; }
inline Expression empty_list() { return {Op::empty_list, 0, {}, {}}; }
inline Expression parameter(std::int64_t place) { return {Op::parameter, place, {}, {}}; }
inline Expression local(Local name) { return {Op::local, static_cast<std::int64_t>(name), {}, {}}; }
inline Expression binary(Op op, Expression left, Expression right) {
  return {op, 0, {}, {std::move(left), std::move(right)}};
}
inline Expression repeated(Expression text, std::int64_t times) { return {Op::repeat, times, {}, {std::move(text)}}; }
inline Expression length_of(Expression list) { return {Op::length, 0, {}, {std::move(list)}}; }

inline Statement declare(Local target, Expression value) { return {Step::declare, target, std::move(value), {}, {}}; }
inline Statement set(Local target, Expression value) { return {Step::set, target, std::move(value), {}, {}}; }
inline Statement add(Local target, Expression value) { return {Step::add, target, std::move(value), {}, {}}; }
inline Statement append(Local target, Expression value) { return {Step::append, target, std::move(value), {}, {}}; }
inline Statement branch(Expression condition, std::vector<Statement> body) {
  return {Step::branch, {}, std::move(condition), std::move(body), {}};
}
inline Statement each(Local target, Expression list, std::vector<Statement> body) {
  return {Step::each, target, std::move(list), std::move(body), {}};
}
inline Statement indices(Local target, Expression from, Expression list, std::vector<Statement> body) {
  return {Step::indices, target, std::move(list), std::move(body), std::move(from)};
}
inline Statement loop(Expression condition, std::vector<Statement> body) {
  return {Step::loop, {}, std::move(condition), std::move(body), {}};
}
inline Statement give(Expression value) { return {Step::give, {}, std::move(value), {}, {}}; }

/// Calls f(expression) for every expression below `expression`, itself first.
template <class Node, class F>
void for_each_expression_in(Node& expression, const F& f) {
  f(expression);
  for (auto& part : expression.parts) for_each_expression_in(part, f);
}

/// Calls f(expression) for every expression of the statements, always in the same order.
template <class Statements, class F>
void for_each_expression(Statements& statements, const F& f) {
  for (auto& statement : statements) {
    for_each_expression_in(statement.value, f);
    if (statement.step == Step::indices) for_each_expression_in(statement.from, f);
    for_each_expression(statement.body, f);
  }
}

}  // namespace multipl_moe::exercises
