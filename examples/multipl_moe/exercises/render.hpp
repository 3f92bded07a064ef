/// Writes functions, prompts and tests in the six languages, in the fields of MultiPL-E's problems.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/exercises/problem.hpp"
#include "multipl_moe/exercises/tree.hpp"

namespace multipl_moe::exercises {

/// The parts of a source text with one function. A program is prompt + body + "\n" + tests.
class Rendering {
 public:
  virtual ~Rendering() = default;

  /// The value of the field `language`, such as "py".
  virtual std::string field() const = 0;
  /// An extension by which prepare knows the language, such as ".py".
  virtual std::string extension() const = 0;
  /// The texts after which an answer is cut off.
  virtual std::vector<std::string> stop_texts() const = 0;

  /// What precedes the functions of a file.
  virtual std::string preamble() const { return {}; }
  /// What follows them.
  virtual std::string end_of_file() const { return {}; }
  /// The function's name.
  virtual std::string name_of(const NameWords& words) const = 0;
  /// `sentence` as a comment, and the function up to its body.
  virtual std::string heading(const Function& function, const Names& names, const std::string& sentence) const = 0;
  /// The statements without a line end after the last one. Where the stop text does not end it, the end of the
  /// function is part of the body.
  virtual std::string body(const Function& function, const Names& names) const = 0;
  /// What follows the body in a file: the end of the function where it is not part of the body, and a line end.
  virtual std::string after_body() const { return "\n"; }
  /// A value of an expression.
  virtual std::string value_text(const Value& value) const = 0;
  /// The function `name`, called.
  virtual std::string call(const std::string& name, const std::vector<Value>& arguments) const = 0;
  /// The rest of a program that fails if the function returns anything but the calls' results.
  virtual std::string tests(const std::string& name, const std::vector<Call>& calls) const = 0;
};

const Rendering& rendering_of(Language language);

/// The name's words joined as in fold_value_now.
std::string snake_case(const NameWords& words);
/// The name's words joined as in foldValueNow.
std::string camel_case(const NameWords& words);

}  // namespace multipl_moe::exercises
