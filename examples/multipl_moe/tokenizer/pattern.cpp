#include "multipl_moe/tokenizer/pattern.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <vector>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t longest_pattern = 4096;

/// Unicode's White_Space. PCRE2's own \s also contains U+180E, which has not been a space since Unicode 6.3.
constexpr std::string_view spaces =
    R"(\t-\r\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

/// Pairs of letters that equal a single character (a ligature) under case folding. Oniguruma matches them, PCRE2 does
/// not.
constexpr std::array<std::string_view, 5> ligatures{"ss", "ff", "fi", "fl", "st"};

bool is_letter(char character) { return std::isalpha(static_cast<unsigned char>(character)) != 0; }

class Translation {
 public:
  Translation(std::string_view pattern, const std::filesystem::path& path) : pattern_(pattern), path_(path) {}

  std::string result() {
    while (at_ < pattern_.size()) item();
    return std::move(written_);
  }

 private:
  void item() {
    const char character = pattern_[at_];
    if (character == '(') return open_group();
    if (character == ')') return close_group();
    if (character == '[') return character_class();
    if (character == '{') return count();
    if (character == '\\') return escape();
    if (character == '.' || character == '^' || character == '$' || character == ']' || character == '}')
      refuse(fmt::format("'{}'", character));
    literal(character);
  }

  void literal(char character) {
    if (static_cast<unsigned char>(character) < 0x20 || static_cast<unsigned char>(character) > 0x7e)
      refuse("a character that is not printable ASCII");
    if (caseless() && is_letter(character) && at_ > 0)
      for (const std::string_view ligature : ligatures)
        if (std::tolower(pattern_[at_ - 1]) == ligature[0] && std::tolower(character) == ligature[1])
          refuse(fmt::format("(?i:...) around '{}'", ligature));
    take(1);
  }

  void open_group() {
    for (const std::string_view opening : {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?i:"})
      if (pattern_.substr(at_).starts_with(opening)) {
        is_caseless_.push_back(caseless() || opening == "(?i:");
        return take(opening.size());
      }
    if (at_ + 1 < pattern_.size() && (pattern_[at_ + 1] == '?' || pattern_[at_ + 1] == '*'))
      refuse("a group other than (?:, (?=, (?!, (?<=, (?<! and (?i:");
    is_caseless_.push_back(caseless());
    take(1);
  }

  void close_group() {
    if (!is_caseless_.empty()) is_caseless_.pop_back();  // otherwise PCRE2 reports the unmatched parenthesis
    take(1);
  }

  bool caseless() const { return !is_caseless_.empty() && is_caseless_.back(); }

  /// {m}, {m,} or {m,n}. A lazy or possessive suffix is refused, because Ruby's syntax gives it another meaning.
  void count() {
    const std::size_t close = pattern_.find('}', at_);
    const std::string_view inside = pattern_.substr(at_ + 1, close == pattern_.npos ? 0 : close - at_ - 1);
    if (inside.empty() || inside.find_first_not_of("0123456789,") != inside.npos || inside.front() == ',')
      refuse("a '{' that begins no count such as {1,3}");
    take(inside.size() + 2);
    if (at_ < pattern_.size() && (pattern_[at_] == '?' || pattern_[at_] == '+' || pattern_[at_] == '*'))
      refuse("a quantifier after a count");
  }

  void escape() {
    const char name = escaped_name();
    if (name == 's' || name == 'S') {
      written_ += fmt::format("[{}{}]", name == 's' ? "" : "^", spaces);
      at_ += 2;
    } else {
      common_escape(name);
    }
  }

  char escaped_name() const {
    if (at_ + 1 == pattern_.size()) refuse("a backslash at its end");
    return pattern_[at_ + 1];
  }

  /// An escape that has the same meaning inside a class and outside.
  void common_escape(char name) {
    const bool is_property = name == 'p' || name == 'P';
    if (is_property) return property();
    if (name != 'r' && name != 'n' && name != 't' && std::ispunct(static_cast<unsigned char>(name)) == 0)
      refuse(fmt::format("'\\{}'", escaped(std::string_view(&name, 1))));
    take(2);
  }

  void property() {
    const std::string_view rest = pattern_.substr(at_);
    if (rest.size() < 5 || rest[2] != '{' || rest[4] != '}' || std::string_view("LMN").find(rest[3]) == rest.npos)
      refuse("a property other than \\p{L}, \\p{M} and \\p{N}");
    if (caseless()) refuse("a property in (?i:...)");
    take(5);
  }

  void character_class() {
    if (caseless()) refuse("a class in (?i:...)");
    take(pattern_.substr(at_).starts_with("[^") ? 2 : 1);
    if (at_ < pattern_.size() && pattern_[at_] == ']') refuse("a class that begins with ']'");
    while (at_ < pattern_.size() && pattern_[at_] != ']') class_member();
    if (at_ == pattern_.size()) refuse("a class without ']'");
    take(1);
  }

  void class_member() {
    const char character = pattern_[at_];
    if (character == '\\') {
      const char name = escaped_name();
      if (name == 'S' || name == 'P') refuse(fmt::format("'\\{}' in a class", name));
      if (name != 's') return common_escape(name);
      written_ += spaces;
      at_ += 2;
      return;
    }
    if (character == '[') refuse("'[' in a class");
    if (pattern_.substr(at_).starts_with("&&")) refuse("'&&' in a class");
    const auto is_end = [this](std::size_t i) {
      return i < pattern_.size() && std::isalnum(static_cast<unsigned char>(pattern_[i])) != 0;
    };
    if (character == '-' && !(is_end(at_ - 1) && pattern_[at_ - 2] != '\\' && is_end(at_ + 1)))
      refuse("a '-' in a class that is neither escaped nor between two letters or digits");
    literal(character);
  }

  void take(std::size_t characters) {
    written_ += pattern_.substr(at_, characters);
    at_ += characters;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw BadFile(
        path_, fmt::format("the pattern must not hold {}, found it at byte {} of '{}'", what, at_, escaped(pattern_)));
  }

  std::string_view pattern_;
  const std::filesystem::path& path_;
  std::size_t at_ = 0;
  std::string written_;
  std::vector<bool> is_caseless_;
};

}  // namespace

std::string pattern_with_digits(int digits) {
  constexpr std::string_view digit = R"(|\p{N}|)";
  std::string pattern{qwen_pattern};
  if (digits > 1) pattern.insert(pattern.find(digit) + digit.size() - 1, fmt::format("{{1,{}}}", digits));
  return pattern;
}

std::string pcre2_pattern(std::string_view pattern, const std::filesystem::path& path) {
  if (pattern.empty() || pattern.size() > longest_pattern)
    throw BadFile(path, fmt::format("the pattern must have 1 to {} bytes, found {}", longest_pattern, pattern.size()));
  return Translation(pattern, path).result();
}

}  // namespace multipl_moe
