/// What the renderings of all languages have in common: the walk through a function's tree.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/exercises/render.hpp"

namespace multipl_moe::exercises {

class Spelling : public Rendering {
 public:
  std::string body(const Function& function, const Names& names) const override;
  std::string call(const std::string& name, const std::vector<Value>& arguments) const override;

 protected:
  /// The indentation of one level, and how many levels the body of a function has.
  virtual std::string_view indentation() const { return "    "; }
  virtual std::size_t body_level() const { return 1; }

  /// A value as an argument.
  virtual std::string argument(const Value& value) const { return value_text(value); }

  // Expressions.
  virtual std::string empty_list() const { return "[]"; }
  /// The operator of two operands, such as "+".
  virtual std::string_view sign_of(Op op) const;
  /// Whether Op::both is written in parentheses inside of Op::either, which no language needs.
  virtual bool parenthesizes_both() const { return false; }
  virtual std::string length(const std::string& list) const = 0;
  virtual std::string element(const std::string& list, const std::string& index) const {
    return list + "[" + index + "]";
  }
  virtual std::string repeat(const std::string& text, std::int64_t times) const = 0;
  /// `parts` joined; `kinds` has the operator of each.
  virtual std::string join(const std::vector<std::string>& parts, const std::vector<Op>& kinds) const;

  // Statements.
  virtual std::string_view statement_end() const { return ";"; }
  virtual std::string declare(const std::string& name, const Expression& value, const std::string& text) const = 0;
  virtual std::string append(const std::string& list, const std::string& value) const = 0;
  virtual std::string branch(const std::string& condition) const = 0;
  virtual std::string each(const std::string& item, const std::string& list) const = 0;
  /// `from` to the last index of `list`.
  virtual std::string indices(const std::string& index, const std::string& from, const std::string& list) const = 0;
  virtual std::string loop(const std::string& condition) const = 0;
  virtual std::string give(const std::string& value, bool is_last) const;
  /// Ends the body of a statement; empty if indentation does.
  virtual std::string_view block_end() const { return "}"; }
  /// The line that ends the body of a function and belongs to the answer; empty if the answer is cut off before it.
  virtual std::string_view function_end() const { return {}; }

  /// The parameters, such as "int x, int y", by `one`, which writes a type and a name.
  template <class One>
  static std::string listed(const Function& function, const Names& names, const One& one) {
    std::string list;
    for (std::size_t i = 0; i < names.parameters.size(); ++i)
      list += (i == 0 ? "" : ", ") + one(function.parameters[i], names.parameters[i]);
    return list;
  }

 private:
  std::string expression(const Expression& expression, const Names& names, int outer) const;
  void write(const std::vector<Statement>& statements, const Names& names, std::size_t level, bool is_function,
             std::string& text) const;
};

/// Numbers as in "1, 2, 3".
std::string numbers(const List& list);

}  // namespace multipl_moe::exercises
