#include "multipl_moe/exercises/spelling.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

namespace multipl_moe::exercises {

namespace {

/// How strongly operators bind, the same in all six languages: or, and, comparisons, then sums, then products.
int strength_of(Op op) {
  switch (op) {
    case Op::either:
      return 1;
    case Op::both:
      return 2;
    case Op::less:
    case Op::greater:
    case Op::equal:
    case Op::unequal:
      return 3;
    case Op::plus:
    case Op::minus:
    case Op::join:
      return 4;
    case Op::times:
    case Op::quotient:
    case Op::remainder:
      return 5;
    default:
      return 6;
  }
}

}  // namespace

std::string_view Spelling::sign_of(Op op) const {
  switch (op) {
    case Op::plus:
      return "+";
    case Op::minus:
      return "-";
    case Op::times:
      return "*";
    case Op::quotient:
      return "/";
    case Op::remainder:
      return "%";
    case Op::less:
      return "<";
    case Op::greater:
      return ">";
    case Op::equal:
      return "==";
    case Op::unequal:
      return "!=";
    case Op::both:
      return "&&";
    default:
      return "||";
  }
}

std::string snake_case(const NameWords& words) { return fmt::format("{}", fmt::join(words, "_")); }

std::string camel_case(const NameWords& words) {
  std::string name = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(words[i].front())));
    name += words[i].substr(1);
  }
  return name;
}

std::string numbers(const List& list) { return fmt::format("{}", fmt::join(list, ", ")); }

std::string Spelling::body(const Function& function, const Names& names) const {
  std::string text;
  write(function.body, names, body_level(), true, text);
  text += function_end();
  if (text.back() == '\n') text.pop_back();
  return text;
}

std::string Spelling::call(const std::string& name, const std::vector<Value>& arguments) const {
  std::vector<std::string> texts;
  for (const Value& each : arguments) texts.push_back(argument(each));
  return fmt::format("{}({})", name, fmt::join(texts, ", "));
}

std::string Spelling::join(const std::vector<std::string>& parts, const std::vector<Op>&) const {
  return fmt::format("{}", fmt::join(parts, " + "));
}

std::string Spelling::give(const std::string& value, bool) const {
  return fmt::format("return {}{}", value, statement_end());
}

/// `outer`: the strength of the operator around the expression; a weaker expression is written in parentheses.
std::string Spelling::expression(const Expression& e, const Names& names, int outer) const {
  const int strength = strength_of(e.op);
  const auto part = [&](std::size_t i, int around) { return expression(e.parts[i], names, around); };
  switch (e.op) {
    case Op::number:
      return std::to_string(e.number);
    case Op::literal:
      return value_text(e.text);
    case Op::empty_list:
      return empty_list();
    case Op::parameter:
      return names.parameters[static_cast<std::size_t>(e.number)];
    case Op::local:
      return std::string(exercises::name_of(static_cast<Local>(e.number)));
    case Op::length:
      return length(part(0, strength));
    case Op::element:
      return element(part(0, strength), part(1, 0));
    case Op::repeat:
      return repeat(part(0, strength), e.number);
    case Op::join: {
      std::vector<std::string> parts;
      std::vector<Op> kinds;
      for (std::size_t i = 0; i < e.parts.size(); ++i) {
        parts.push_back(part(i, strength));
        kinds.push_back(e.parts[i].op);
      }
      return join(parts, kinds);
    }
    default:
      break;
  }
  const auto operand = [&](std::size_t i, int around) {
    const bool is_set_off = e.op == Op::either && e.parts[i].op == Op::both && parenthesizes_both();
    return part(i, is_set_off ? strength_of(Op::both) + 1 : around);
  };
  const std::string text = fmt::format("{} {} {}", operand(0, strength), sign_of(e.op), operand(1, strength + 1));
  return strength < outer ? "(" + text + ")" : text;
}

void Spelling::write(const std::vector<Statement>& statements, const Names& names, std::size_t level, bool is_function,
                     std::string& text) const {
  const auto line = [&](std::string_view content) {
    for (std::size_t i = 0; i < level; ++i) text += indentation();
    text += content;
    text += '\n';
  };
  for (const Statement& statement : statements) {
    const std::string target(exercises::name_of(statement.target));
    const std::string value = expression(statement.value, names, 0);
    switch (statement.step) {
      case Step::declare:
        line(declare(target, statement.value, value));
        break;
      case Step::set:
        line(fmt::format("{} = {}{}", target, value, statement_end()));
        break;
      case Step::add:
        line(fmt::format("{} += {}{}", target, value, statement_end()));
        break;
      case Step::append:
        line(append(target, value));
        break;
      case Step::branch:
        line(branch(value));
        break;
      case Step::each:
        line(each(target, value));
        break;
      case Step::indices:
        line(indices(target, expression(statement.from, names, 0), value));
        break;
      case Step::loop:
        line(loop(value));
        break;
      case Step::give:
        line(give(value, is_function && &statement == &statements.back()));
        break;
    }
    if (statement.body.empty()) continue;
    write(statement.body, names, level + 1, false, text);
    if (!block_end().empty()) line(block_end());
  }
}

}  // namespace multipl_moe::exercises
