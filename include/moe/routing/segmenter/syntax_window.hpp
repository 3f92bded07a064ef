#pragma once

#include <array>
#include <string_view>

#include "moe/core/index.hpp"
#include "moe/routing/segmenter/window_bounds.hpp"

namespace moe {

/// Windows that follow the syntax of code: a window ends where a bracket or an indented block closes, if it has at
/// least `minimum` rows, and at `maximum` rows at the latest. A closing bracket is the last row of its window; an
/// indented block closes with the line before the first token of smaller indentation. A table with the brackets, white
/// space and line breaks of each token, made by syntax_of from the tokens' texts, is a buffer of the layer's routing.
/// Unknown tokens have no syntax, so a batch without token ids is cut at `maximum`.
struct SyntaxWindow {
  /// Minimum number of rows of a window that ends at a closed bracket or block.
  Index minimum = 16;
  /// Maximum number of rows of a window.
  Index maximum = 128;

  /// Numbers per token in the table: the five of syntax_of.
  static constexpr Index features = 5;
  /// State of a sequence before its next row.
  struct State {
    /// Indentation of the last line that has a character other than white space, in columns.
    Index indentation = 0;
    /// White space at the start of the current line so far, in columns.
    Index columns = 0;
    /// Whether the current line has only white space so far.
    bool at_line_start = true;
    /// Whether the previous row closed a bracket.
    bool closed = false;
  };

  /// Throws Error for a minimum or maximum below 1. If the minimum is above the maximum, every window ends at
  /// `maximum`.
  void require_fits() const { require_window_bounds("SyntaxWindow", minimum, maximum); }

  /// The features of a token, from its text; a tab counts 4 columns:
  ///
  ///   0  number of brackets that it closes beyond those that it opens
  ///   1  columns of white space before its first other character, or of all of it
  ///   2  columns of white space after its last line break, 0 without one
  ///   3  1 if it has a line break, otherwise 0
  ///   4  1 if it is all white space, or has only white space after its last line break, otherwise 0
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
