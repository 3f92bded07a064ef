/// The routing of single texts, token by token.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// What a router decided about an expert and a row.
struct RoutedChoice {
  enum class Kind : std::uint8_t { selected, dropped, runner_up };
  std::int64_t expert = 0;
  Kind kind = Kind::selected;  ///< dropped: selected, but the capacity dropped the row
  double gate = 0;             ///< of selected experts, else 0
  double probability = 0;      ///< of the expert in the softmax over the row's logits of all experts

  bool operator==(const RoutedChoice&) const = default;
};

/// The decisions about the rows of one level of a layer: first the selected experts in the order of choice, then at
/// most two others, those with the highest logits.
struct RoutedLevel {
  std::int64_t experts = 0;         ///< number of experts
  std::vector<std::int64_t> begin;  ///< first token of each row
  std::vector<std::vector<RoutedChoice>> rows;
};

struct RoutedLayer {
  std::optional<RoutedLevel> token, segment;
};

struct RoutedText {
  std::string title;
  std::optional<Language> language;
  std::vector<Token> tokens;
  std::int64_t source_tokens = 0;                 ///< of the whole text, of which `tokens` are the first
  std::vector<std::int64_t> sequences{};          ///< first token of each sequence
  std::map<std::uint32_t, RoutedLayer> layers{};  ///< by number, those that route
};

struct RoutedTextOptions {
  std::int64_t sequences = 4;        ///< sequences per batch: affects models whose experts choose across the batch
  std::int64_t length = 256;         ///< tokens per sequence, T
  std::vector<std::int64_t> layers;  ///< layers that are recorded
};

/// Adds the sequences and the routing of `text.tokens`, scored with the inference routers: sequences of T tokens, and
/// one of the rest.
void route_text(LanguageModel& model, const RoutedTextOptions& options, RoutedText& text);

}  // namespace multipl_moe
