#pragma once

#include <array>
#include <string_view>

#include "moe/core/index.hpp"
#include "moe/routing/segmenter/window_bounds.hpp"

namespace moe {

/// Windows that follow the syntax of code: one ends where a bracket or an indented block closes, once it has `minimum`
/// rows, and at `maximum` rows at the latest. A closing bracket is the last row of its window; a block closes with the
/// line before the first token that stands further left. What each token opens, closes and indents is a table that
/// syntax_of makes from the tokens' texts, a buffer of the layer's routing. Tokens that are unknown have no syntax, so
/// a batch without token ids is cut at `maximum`.
struct SyntaxWindow {
  /// Fewest rows of a window that something closes.
  Index minimum = 16;
  /// Most rows of a window.
  Index maximum = 128;

  /// Numbers that the table has of a token: the five of syntax_of.
  static constexpr Index features = 5;
  /// What is known of a sequence when its next row comes.
  struct State {
    /// Columns before the first word of the line before, or of this one when that has come.
    Index indentation = 0;
    /// Columns of white space of this line so far.
    Index columns = 0;
    /// Whether nothing but white space has come in this line.
    bool at_line_start = true;
    /// Whether the row before closed a bracket.
    bool closed = false;
  };

  /// Throws Error for windows of no rows. Where the minimum is above the maximum nothing ends a window before that.
  void require_fits() const { require_window_bounds("SyntaxWindow", minimum, maximum); }

  /// Of one token, from its text: brackets that it closes beyond those that it opens, white space before its first
  /// other character (or all of it), white space after its last line break, whether it has a line break, whether white
  /// space is all that is in it, or comes after its last line break. A tab counts 4 columns.
  static std::array<float, features> syntax_of(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    const auto columns_from = [&](std::size_t at) {
      float columns = 0;
      for (; at < text.size() && is_space(text[at]); ++at) columns += text[at] == '\t' ? 4.0F : 1.0F;
      return columns;
    };
    float open = 0, closes = 0;
    for (const char c : text) {
      const bool opens = c == '(' || c == '[' || c == '{', shuts = c == ')' || c == ']' || c == '}';
      if (opens) ++open;
      if (shuts) open > 0 ? --open : ++closes;
    }
    const std::size_t last_break = text.rfind('\n');
    const bool breaks = last_break != std::string_view::npos;
    const std::size_t line = breaks ? last_break + 1 : 0;
    const bool blank = text.find_first_not_of(" \t\r", line) == std::string_view::npos;
    return {closes, columns_from(0), breaks ? columns_from(line) : 0.0F, breaks ? 1.0F : 0.0F, blank ? 1.0F : 0.0F};
  }

  /// Whether the row with this token starts a segment after one of `length` rows.
  bool starts_before(const State& state, Index length, const float* token) const {
    if (length >= maximum) return true;
    if (length < minimum) return false;
    if (state.closed) return true;
    if (token == nullptr || !state.at_line_start) return false;
    const bool has_break = token[3] != 0, is_blank = token[4] != 0;
    return !has_break && !is_blank && state.columns + static_cast<Index>(token[1]) < state.indentation;
  }
  /// The state after a row with this token.
  void read(State& state, const float* token) const {
    state.closed = false;
    if (token == nullptr) return;
    state.closed = token[0] > 0;
    const bool has_break = token[3] != 0, is_blank = token[4] != 0;
    if (has_break) {
      state.columns = static_cast<Index>(token[2]);
      state.at_line_start = true;
    } else if (state.at_line_start) {
      state.columns += static_cast<Index>(token[1]);
    }
    if (!is_blank && state.at_line_start) {
      state.indentation = state.columns;
      state.at_line_start = false;
    }
  }
};

}  // namespace moe
