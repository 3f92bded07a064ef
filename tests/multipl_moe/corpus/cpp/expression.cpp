// A calculator: recursive descent over +, -, *, /, parentheses and unary minus.
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  double parse() {
    const double value = sum();
    skip_spaces();
    if (position_ != text_.size()) fail("unexpected character");
    return value;
  }

 private:
  double sum() {
    double value = product();
    for (;;) {
      if (accept('+'))
        value += product();
      else if (accept('-'))
        value -= product();
      else
        return value;
    }
  }

  double product() {
    double value = factor();
    for (;;) {
      if (accept('*')) {
        value *= factor();
      } else if (accept('/')) {
        const double divisor = factor();
        if (divisor == 0.0) fail("division by zero");
        value /= divisor;
      } else {
        return value;
      }
    }
  }

  double factor() {
    if (accept('-')) return -factor();
    if (accept('(')) {
      const double value = sum();
      if (!accept(')')) fail("missing ')'");
      return value;
    }
    return number();
  }

  double number() {
    skip_spaces();
    const std::string rest(text_.substr(position_));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str()) fail("expected a number");
    position_ += static_cast<std::size_t>(end - rest.c_str());
    return value;
  }

  bool accept(char expected) {
    skip_spaces();
    if (position_ == text_.size() || text_[position_] != expected) return false;
    ++position_;
    return true;
  }

  void skip_spaces() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_]))) ++position_;
  }

  [[noreturn]] void fail(const char* reason) const {
    throw std::runtime_error(std::string(reason) + " at column " + std::to_string(position_ + 1));
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << Parser(line).parse() << '\n';
    } catch (const std::runtime_error& error) {
      std::cerr << "error: " << error.what() << '\n';
    }
  }
}
