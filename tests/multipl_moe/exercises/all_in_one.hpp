/// Many functions in one program of a language, so that a compiler is started once for all of them.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "multipl_moe/exercises/render.hpp"

namespace multipl_moe::exercises::testing {

struct Tried {
  Function function;
  Names names;  ///< the function's must be unique in the program
  std::vector<Call> calls;
  bool passes = true;  ///< whether all calls return their results, or at least one does not
};

/// A name that no other number has.
inline NameWords numbered(std::size_t number) {
  std::string letters;
  for (int i = 0; i < 4; ++i, number /= 26) letters.push_back(static_cast<char>('a' + number % 26));
  return {"try", letters, "now"};
}

/// Whether a call returns its result, as an expression.
inline std::string equality(Language language, const std::string& name, const Call& call) {
  const Rendering& r = rendering_of(language);
  const std::string found = r.call(name, call.arguments), expected = r.value_text(call.result);
  if (language == Language::go) return "fmt.Sprint(" + found + ") == fmt.Sprint(" + expected + ")";
  if (language == Language::java && !std::holds_alternative<std::int64_t>(call.result))
    return found + ".equals(" + expected + ")";
  return found + " == " + expected;
}

/// A statement that fails unless all of `conditions` hold, or if `passes` is false, unless one of them does not.
inline std::string statement(Language language, const std::vector<std::string>& conditions, bool passes) {
  const bool has_words = language == Language::python || language == Language::ruby;
  std::string all;
  for (const std::string& each : conditions) all += (all.empty() ? "" : has_words ? " and " : " && ") + each;
  const std::string wanted = passes ? "(" + all + ")" : has_words ? "(not (" + all + "))" : "(!(" + all + "))";
  switch (language) {
    case Language::python:
      return "assert " + wanted;
    case Language::java:
      return "if (!" + wanted + ") throw new RuntimeException();";
    case Language::cpp:
      return "if (!" + wanted + ") return 1;";
    case Language::rust:
      return "assert!" + wanted + ";";
    case Language::go:
      return "if !" + wanted + " { t.FailNow() }";
    default:
      return "raise unless " + wanted;
  }
}

inline std::string program_of(Language language, const std::vector<Tried>& tried) {
  const Rendering& r = rendering_of(language);
  std::string text = r.preamble(), statements;
  std::size_t count = 0;
  for (const Tried& each : tried) {
    text += r.heading(each.function, each.names, "Text.") + r.body(each.function, each.names) + r.after_body() + "\n";
    std::vector<std::string> conditions;
    for (const Call& call : each.calls) conditions.push_back(equality(language, r.name_of(each.names.function), call));
    // Java limits the size of a method.
    if (language == Language::java && ++count % 40 == 0)
      statements += "}\nstatic void more" + std::to_string(count / 40) + "() {\n";
    statements += statement(language, conditions, each.passes) + "\n";
  }
  switch (language) {
    case Language::python:
    case Language::ruby:
      return text + statements;
    case Language::java: {
      std::string calls;
      for (std::size_t i = 1; i <= count / 40; ++i) calls += "more" + std::to_string(i) + "();\n";
      return text + "static void more0() {\n" + statements + "}\npublic static void main(String[] args) {\nmore0();\n" +
             calls + "}\n}\n";
    }
    case Language::cpp:
      return text + "int main() {\n" + statements + "}\n";
    case Language::rust:
      return text + "fn main() {\n" + statements + "}\n";
    default:
      return text + "var _ = strings.Repeat\nfunc TestAll(t *testing.T) {\n" + statements + "}\n";
  }
}

}  // namespace multipl_moe::exercises::testing
