/// Computes what a function returns, for the expected values of tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "multipl_moe/exercises/tree.hpp"

namespace multipl_moe::exercises {

/// A call has no result, or not the same one in all languages: a number leaves the range of 32 bits, a negative number
/// is divided, a divisor is 0, an index is outside of a list, or the call takes too many steps.
class NoCommonResult : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The largest magnitude of a number in an evaluation: in range for every language's integers.
inline constexpr std::int64_t largest_number = 1'000'000'000;
/// The largest number of statements that a call may execute.
inline constexpr int most_steps = 10'000;

class Evaluator {
 public:
  /// What `function` returns for `arguments`, one of each parameter's type. Throws NoCommonResult.
  static Value result_of(const Function& function, const std::vector<Value>& arguments) {
    Evaluator evaluator(arguments);
    std::optional<Value> result = evaluator.run(function.body);
    if (!result) throw NoCommonResult("the function ends without a result");
    return *std::move(result);
  }

 private:
  explicit Evaluator(const std::vector<Value>& arguments) : arguments_(arguments) {}

  std::int64_t integer(const Expression& expression) { return std::get<std::int64_t>(value(expression)); }

  static std::int64_t in_range(std::int64_t number) {
    if (number > largest_number || number < -largest_number) throw NoCommonResult("a number leaves the range");
    return number;
  }

  std::int64_t arithmetic(const Expression& expression) {
    const std::int64_t left = integer(expression.parts[0]);
    const std::int64_t right = integer(expression.parts[1]);
    switch (expression.op) {
      case Op::plus:
        return in_range(left + right);
      case Op::minus:
        return in_range(left - right);
      case Op::times:
        return in_range(left * right);
      case Op::less:
        return left < right;
      case Op::greater:
        return left > right;
      case Op::equal:
        return left == right;
      case Op::unequal:
        return left != right;
      default:
        break;
    }
    if (left < 0 || right <= 0) throw NoCommonResult("languages divide negative numbers differently");
    return expression.op == Op::quotient ? left / right : left % right;
  }

  Value value(const Expression& expression) {
    switch (expression.op) {
      case Op::number:
        return expression.number;
      case Op::literal:
        return expression.text;
      case Op::empty_list:
        return List();
      case Op::parameter:
        return arguments_[static_cast<std::size_t>(expression.number)];
      case Op::local:
        return locals_[static_cast<std::size_t>(expression.number)];
      case Op::length:
        return static_cast<std::int64_t>(std::get<List>(value(expression.parts[0])).size());
      case Op::join: {
        std::string text;
        for (const Expression& part : expression.parts) text += std::get<std::string>(value(part));
        return text;
      }
      case Op::repeat: {
        const auto once = std::get<std::string>(value(expression.parts[0]));
        std::string text;
        for (std::int64_t i = 0; i < expression.number; ++i) text += once;
        return text;
      }
      case Op::element: {
        const auto list = std::get<List>(value(expression.parts[0]));
        const std::int64_t index = integer(expression.parts[1]);
        if (index < 0 || index >= std::ssize(list)) throw NoCommonResult("an index is outside of the list");
        return list[static_cast<std::size_t>(index)];
      }
      case Op::both:
        return std::int64_t{integer(expression.parts[0]) != 0 && integer(expression.parts[1]) != 0};
      case Op::either:
        return std::int64_t{integer(expression.parts[0]) != 0 || integer(expression.parts[1]) != 0};
      default:
        return arithmetic(expression);
    }
  }

  /// The value that the statements return; empty if they do not.
  std::optional<Value> run(const std::vector<Statement>& statements) {
    for (const Statement& statement : statements)
      if (std::optional<Value> result = run(statement)) return result;
    return std::nullopt;
  }

  std::optional<Value> run(const Statement& statement) {
    if (++steps_ > most_steps) throw NoCommonResult("the call takes too many steps");
    Value& target = locals_[static_cast<std::size_t>(statement.target)];
    switch (statement.step) {
      case Step::give:
        return value(statement.value);
      case Step::declare:
      case Step::set:
        target = value(statement.value);
        break;
      case Step::add:
        target = in_range(std::get<std::int64_t>(target) + integer(statement.value));
        break;
      case Step::append: {
        const std::int64_t last = integer(statement.value);
        std::get<List>(target).push_back(last);
        break;
      }
      case Step::branch:
        if (integer(statement.value) != 0) return run(statement.body);
        break;
      case Step::loop:
        while (integer(statement.value) != 0)
          if (std::optional<Value> result = run(statement.body)) return result;
        break;
      case Step::each: {
        const auto list = std::get<List>(value(statement.value));
        for (const std::int64_t item : list) {
          target = item;
          if (std::optional<Value> result = run(statement.body)) return result;
        }
        break;
      }
      case Step::indices:
        for (std::int64_t i = integer(statement.from); i < std::ssize(std::get<List>(value(statement.value))); ++i) {
          target = i;
          if (std::optional<Value> result = run(statement.body)) return result;
        }
        break;
    }
    return std::nullopt;
  }

  const std::vector<Value>& arguments_;
  std::array<Value, local_names.size()> locals_;
  int steps_ = 0;
};

}  // namespace multipl_moe::exercises
