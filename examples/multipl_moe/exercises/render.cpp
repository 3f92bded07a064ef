#include "multipl_moe/exercises/render.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "multipl_moe/exercises/spelling.hpp"

namespace multipl_moe::exercises {

namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

/// The value by its type.
template <class Integer, class OfList, class Text>
std::string by_type(const Value& value, const Integer& integer, const OfList& list, const Text& text) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return integer(*number);
  if (const auto* numbers = std::get_if<List>(&value)) return list(*numbers);
  return text(std::get<std::string>(value));
}

std::string digits(std::int64_t number) { return std::to_string(number); }

class InPython final : public Spelling {
 public:
  std::string field() const override { return "py"; }
  std::string extension() const override { return ".py"; }
  std::vector<std::string> stop_texts() const override { return {"\ndef", "\n#", "\nif", "\nclass"}; }
  std::string name_of(const NameWords& words) const override { return snake_case(words); }

  std::string heading(const Function& function, const Names& names, const std::string& sentence) const override {
    const auto one = [](Type type, const std::string& name) { return name + ": " + type_name(type); };
    return fmt::format("def {}({}) -> {}:\n    \"\"\"{}\"\"\"\n", name_of(names.function), listed(function, names, one),
                       type_name(function.result), sentence);
  }
  std::string tests(const std::string& name, const std::vector<Call>& calls) const override {
    std::string text = "\ndef check(candidate):\n";
    for (const Call& each : calls)
      text += fmt::format("    assert {} == {}\n", call("candidate", each.arguments), value_text(each.result));
    return text + fmt::format("\ncheck({})\n", name);
  }

 protected:
  static std::string type_name(Type type) {
    return type == Type::integer ? "int" : type == Type::list ? "list[int]" : "str";
  }
  std::string value_text(const Value& value) const override {
    return by_type(
        value, digits, [](const List& list) { return "[" + numbers(list) + "]"; }, quoted);
  }
  std::string_view sign_of(Op op) const override {
    return op == Op::quotient ? "//" : op == Op::both ? "and" : op == Op::either ? "or" : Spelling::sign_of(op);
  }
  std::string length(const std::string& list) const override { return "len(" + list + ")"; }
  std::string repeat(const std::string& text, std::int64_t times) const override {
    return fmt::format("{} * {}", text, times);
  }
  std::string_view statement_end() const override { return ""; }
  std::string declare(const std::string& name, const Expression&, const std::string& text) const override {
    return name + " = " + text;
  }
  std::string append(const std::string& list, const std::string& value) const override {
    return fmt::format("{}.append({})", list, value);
  }
  std::string branch(const std::string& condition) const override { return "if " + condition + ":"; }
  std::string each(const std::string& item, const std::string& list) const override {
    return fmt::format("for {} in {}:", item, list);
  }
  std::string indices(const std::string& index, const std::string& from, const std::string& list) const override {
    return from == "0" ? fmt::format("for {} in range(len({})):", index, list)
                       : fmt::format("for {} in range({}, len({})):", index, from, list);
  }
  std::string loop(const std::string& condition) const override { return "while " + condition + ":"; }
  std::string_view block_end() const override { return ""; }
};

/// The statements that Java and C++ share.
class WithBraces : public Spelling {
 protected:
  std::string branch(const std::string& condition) const override { return "if (" + condition + ") {"; }
  std::string each(const std::string& item, const std::string& list) const override {
    return fmt::format("for (int {} : {}) {{", item, list);
  }
  std::string loop(const std::string& condition) const override { return "while (" + condition + ") {"; }
};

class InJava final : public WithBraces {
 public:
  std::string field() const override { return "java"; }
  std::string extension() const override { return ".java"; }
  std::vector<std::string> stop_texts() const override { return {"\n    }\n"}; }
  std::string preamble() const override { return "import java.util.*;\n\nclass Problem {\n"; }
  std::string end_of_file() const override { return "}\n"; }
  std::string name_of(const NameWords& words) const override { return camel_case(words); }

  std::string heading(const Function& function, const Names& names, const std::string& sentence) const override {
    const auto one = [](Type type, const std::string& name) { return type_name(type) + " " + name; };
    return fmt::format("    // {}\n    public static {} {}({}) {{\n", sentence, type_name(function.result),
                       name_of(names.function), listed(function, names, one));
  }
  std::string after_body() const override { return "\n    }\n"; }
  std::string tests(const std::string& name, const std::vector<Call>& calls) const override {
    std::string text = "    }\n    public static void main(String[] args) {\n";
    for (const Call& each : calls) {
      const bool is_number = std::holds_alternative<std::int64_t>(each.result);
      const std::string found = call(name, each.arguments), expected = value_text(each.result);
      text += is_number ? fmt::format("    assert({} == ({}));\n", found, expected)
                        : fmt::format("    assert({}.equals({}));\n", found, expected);
    }
    return text + "    }\n\n}\n";
  }

 protected:
  static std::string type_name(Type type) {
    return type == Type::integer ? "int" : type == Type::list ? "List<Integer>" : "String";
  }
  std::size_t body_level() const override { return 2; }
  std::string value_text(const Value& value) const override {
    return by_type(
        value, digits, [](const List& list) { return "List.of(" + numbers(list) + ")"; }, quoted);
  }
  std::string empty_list() const override { return "new ArrayList<>()"; }
  std::string length(const std::string& list) const override { return list + ".size()"; }
  std::string element(const std::string& list, const std::string& index) const override {
    return list + ".get(" + index + ")";
  }
  std::string repeat(const std::string& text, std::int64_t times) const override {
    return fmt::format("{}.repeat({})", text, times);
  }
  std::string declare(const std::string& name, const Expression& value, const std::string& text) const override {
    return fmt::format("{} {} = {};", type_name(value.op == Op::empty_list ? Type::list : Type::integer), name, text);
  }
  std::string append(const std::string& list, const std::string& value) const override {
    return fmt::format("{}.add({});", list, value);
  }
  std::string indices(const std::string& index, const std::string& from, const std::string& list) const override {
    return fmt::format("for (int {0} = {1}; {0} < {2}.size(); {0}++) {{", index, from, list);
  }
};

class InCpp final : public WithBraces {
 public:
  std::string field() const override { return "cpp"; }
  std::string extension() const override { return ".cpp"; }
  std::vector<std::string> stop_texts() const override { return {"\n}"}; }
  std::string preamble() const override { return "#include <cassert>\n#include <string>\n#include <vector>\n\n"; }
  std::string name_of(const NameWords& words) const override { return snake_case(words); }

  std::string heading(const Function& function, const Names& names, const std::string& sentence) const override {
    const auto one = [](Type type, const std::string& name) {
      return type == Type::integer ? "int " + name : "const " + type_name(type) + "& " + name;
    };
    return fmt::format("// {}\n{} {}({}) {{\n", sentence, type_name(function.result), name_of(names.function),
                       listed(function, names, one));
  }
  std::string after_body() const override { return "\n}\n"; }
  std::string tests(const std::string& name, const std::vector<Call>& calls) const override {
    std::string text = fmt::format("}}\nint main() {{\n    auto candidate = {};\n", name);
    for (const Call& each : calls)
      text += fmt::format("    assert({} == ({}));\n", call("candidate", each.arguments), value_text(each.result));
    return text + "}\n";
  }

 protected:
  static std::string type_name(Type type) {
    return type == Type::integer ? "int" : type == Type::list ? "std::vector<int>" : "std::string";
  }
  std::string value_text(const Value& value) const override {
    return by_type(
        value, digits, [](const List& list) { return "std::vector<int>{" + numbers(list) + "}"; }, quoted);
  }
  /// g++ -Wall asks for them.
  bool parenthesizes_both() const override { return true; }
  /// In parentheses: the commas of a list would divide the arguments of the macro assert.
  std::string argument(const Value& value) const override { return "(" + value_text(value) + ")"; }
  std::string length(const std::string& list) const override { return "int(" + list + ".size())"; }
  std::string repeat(const std::string& text, std::int64_t times) const override {
    const std::vector<std::string> copies(static_cast<std::size_t>(times), text);
    return fmt::format("{}", fmt::join(copies, " + "));
  }
  std::string declare(const std::string& name, const Expression& value, const std::string& text) const override {
    return value.op == Op::empty_list ? fmt::format("std::vector<int> {};", name)
                                      : fmt::format("int {} = {};", name, text);
  }
  std::string append(const std::string& list, const std::string& value) const override {
    return fmt::format("{}.push_back({});", list, value);
  }
  std::string indices(const std::string& index, const std::string& from, const std::string& list) const override {
    return fmt::format("for (std::size_t {0} = {1}; {0} < {2}.size(); {0}++) {{", index, from, list);
  }
};

class InRust final : public Spelling {
 public:
  std::string field() const override { return "rs"; }
  std::string extension() const override { return ".rs"; }
  std::vector<std::string> stop_texts() const override { return {"\n}"}; }
  std::string name_of(const NameWords& words) const override { return snake_case(words); }

  std::string heading(const Function& function, const Names& names, const std::string& sentence) const override {
    const auto one = [](Type type, const std::string& name) {
      return fmt::format("{}: {}", name, type == Type::integer ? "i64" : type == Type::list ? "&[i64]" : "&str");
    };
    const char* result = function.result == Type::integer ? "i64"
                         : function.result == Type::list  ? "Vec<i64>"
                                                          : "String";
    return fmt::format("/// {}\nfn {}({}) -> {} {{\n", sentence, name_of(names.function), listed(function, names, one),
                       result);
  }
  std::string after_body() const override { return "\n}\n"; }
  std::string tests(const std::string& name, const std::vector<Call>& calls) const override {
    std::string text = fmt::format("}}\n\nfn main() {{\n    let candidate = {};\n", name);
    for (const Call& each : calls)
      text += fmt::format("    assert_eq!({}, {});\n", call("candidate", each.arguments), value_text(each.result));
    return text + "}\n";
  }

 protected:
  std::string value_text(const Value& value) const override {
    const auto list = [](const List& each) {
      return each.empty() ? std::string("Vec::<i64>::new()") : "vec![" + numbers(each) + "]";
    };
    return by_type(value, digits, list, quoted);
  }
  std::string argument(const Value& value) const override {
    return by_type(
        value, digits, [](const List& list) { return "&[" + numbers(list) + "]"; }, quoted);
  }
  std::string empty_list() const override { return "Vec::new()"; }
  std::string length(const std::string& list) const override { return list + ".len() as i64"; }
  std::string repeat(const std::string& text, std::int64_t times) const override {
    return fmt::format("{}.repeat({})", text, times);
  }
  /// The first part is a String, which owns the text; the others are references.
  std::string join(const std::vector<std::string>& parts, const std::vector<Op>& kinds) const override {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool is_string = kinds[i] == Op::repeat;
      const std::string own = parts[i];
      if (i == 0)
        text = is_string ? own : own + ".to_string()";
      else
        text += (is_string ? " + &" : " + ") + own;
    }
    return text;
  }
  std::string declare(const std::string& name, const Expression&, const std::string& text) const override {
    return fmt::format("let mut {} = {};", name, text);
  }
  std::string append(const std::string& list, const std::string& value) const override {
    return fmt::format("{}.push({});", list, value);
  }
  std::string branch(const std::string& condition) const override { return "if " + condition + " {"; }
  std::string each(const std::string& item, const std::string& list) const override {
    return fmt::format("for &{} in {} {{", item, list);
  }
  std::string indices(const std::string& index, const std::string& from, const std::string& list) const override {
    return fmt::format("for {} in {}..{}.len() {{", index, from, list);
  }
  std::string loop(const std::string& condition) const override { return "while " + condition + " {"; }
  std::string give(const std::string& value, bool is_last) const override {
    return is_last ? value : "return " + value + ";";
  }
};

class InGo final : public Spelling {
 public:
  std::string field() const override { return "go_test.go"; }
  std::string extension() const override { return ".go"; }
  std::vector<std::string> stop_texts() const override { return {"\nfunc", "\nvar", "\n//"}; }
  std::string preamble() const override {
    return "package exercise_test\n\nimport (\n\t\"fmt\"\n\t\"strings\"\n\t\"testing\"\n)\n\n";
  }
  /// Go refuses packages that are imported and not used.
  std::string end_of_file() const override { return "\nvar _, _, _ = fmt.Sprint, strings.Repeat, testing.Short\n"; }
  std::string name_of(const NameWords& words) const override { return camel_case(words); }

  std::string heading(const Function& function, const Names& names, const std::string& sentence) const override {
    const auto one = [](Type type, const std::string& name) { return name + " " + type_name(type); };
    return fmt::format("// {}\nfunc {}({}) {} {{\n", sentence, name_of(names.function), listed(function, names, one),
                       type_name(function.result));
  }
  std::string tests(const std::string& name, const std::vector<Call>& calls) const override {
    std::string text = fmt::format(
        "\nvar _ = strings.Repeat\n\nfunc TestExercise(t *testing.T) {{\n\tcandidate := {}\n"
        "\tcheck := func(found, expected interface{{}}) {{\n"
        "\t\tif fmt.Sprint(found) != fmt.Sprint(expected) {{\n"
        "\t\t\tt.Fatalf(\"found %v, expected %v\", found, expected)\n\t\t}}\n\t}}\n",
        name);
    for (const Call& each : calls)
      text += fmt::format("\tcheck({}, {})\n", call("candidate", each.arguments), value_text(each.result));
    return text + "}\n";
  }

 protected:
  static std::string type_name(Type type) {
    return type == Type::integer ? "int" : type == Type::list ? "[]int" : "string";
  }
  std::string_view indentation() const override { return "\t"; }
  std::string value_text(const Value& value) const override {
    return by_type(
        value, digits, [](const List& list) { return "[]int{" + numbers(list) + "}"; }, quoted);
  }
  std::string empty_list() const override { return "[]int{}"; }
  std::string length(const std::string& list) const override { return "len(" + list + ")"; }
  std::string repeat(const std::string& text, std::int64_t times) const override {
    return fmt::format("strings.Repeat({}, {})", text, times);
  }
  std::string_view statement_end() const override { return ""; }
  std::string declare(const std::string& name, const Expression&, const std::string& text) const override {
    return name + " := " + text;
  }
  std::string append(const std::string& list, const std::string& value) const override {
    return fmt::format("{0} = append({0}, {1})", list, value);
  }
  std::string branch(const std::string& condition) const override { return "if " + condition + " {"; }
  std::string each(const std::string& item, const std::string& list) const override {
    return fmt::format("for _, {} := range {} {{", item, list);
  }
  std::string indices(const std::string& index, const std::string& from, const std::string& list) const override {
    return fmt::format("for {0} := {1}; {0} < len({2}); {0}++ {{", index, from, list);
  }
  std::string loop(const std::string& condition) const override { return "for " + condition + " {"; }
  std::string_view function_end() const override { return "}\n"; }
};

class InRuby final : public Spelling {
 public:
  std::string field() const override { return "rb"; }
  std::string extension() const override { return ".rb"; }
  std::vector<std::string> stop_texts() const override { return {"\nclass", "\ndef", "\n#", "\n\n"}; }
  std::string name_of(const NameWords& words) const override { return snake_case(words); }

  std::string heading(const Function& function, const Names& names, const std::string& sentence) const override {
    const auto one = [](Type, const std::string& name) { return name; };
    return fmt::format("# {}\ndef {}({})\n", sentence, name_of(names.function), listed(function, names, one));
  }
  std::string tests(const std::string& name, const std::vector<Call>& calls) const override {
    std::string text =
        "\ndef check(found, expected)\n  raise \"found #{found}, expected #{expected}\" unless found == "
        "expected\nend\n\n";
    for (const Call& each : calls)
      text += fmt::format("check({}, {})\n", call(name, each.arguments), value_text(each.result));
    return text;
  }

 protected:
  std::string_view indentation() const override { return "  "; }
  std::string value_text(const Value& value) const override {
    return by_type(
        value, digits, [](const List& list) { return "[" + numbers(list) + "]"; }, quoted);
  }
  std::string length(const std::string& list) const override { return list + ".length"; }
  std::string repeat(const std::string& text, std::int64_t times) const override {
    return fmt::format("{} * {}", text, times);
  }
  std::string_view statement_end() const override { return ""; }
  std::string declare(const std::string& name, const Expression&, const std::string& text) const override {
    return name + " = " + text;
  }
  std::string append(const std::string& list, const std::string& value) const override {
    return fmt::format("{} << {}", list, value);
  }
  std::string branch(const std::string& condition) const override { return "if " + condition; }
  std::string each(const std::string& item, const std::string& list) const override {
    return fmt::format("{}.each do |{}|", list, item);
  }
  std::string indices(const std::string& index, const std::string& from, const std::string& list) const override {
    return fmt::format("({}...{}.length).each do |{}|", from, list, index);
  }
  std::string loop(const std::string& condition) const override { return "while " + condition; }
  std::string give(const std::string& value, bool is_last) const override {
    return is_last ? value : "return " + value;
  }
  std::string_view block_end() const override { return "end"; }
  std::string_view function_end() const override { return "end\n"; }
};

}  // namespace

const Rendering& rendering_of(Language language) {
  static const InPython python;
  static const InJava java;
  static const InCpp cpp;
  static const InRust rust;
  static const InGo go;
  static const InRuby ruby;
  switch (language) {
    case Language::python:
      return python;
    case Language::java:
      return java;
    case Language::cpp:
      return cpp;
    case Language::rust:
      return rust;
    case Language::go:
      return go;
    default:
      return ruby;
  }
}

}  // namespace multipl_moe::exercises
