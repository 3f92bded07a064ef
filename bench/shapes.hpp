/// Sizes at which layers are measured.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/index.hpp"

namespace moe_bench {

using moe::Index;

/// T rows of width D through E experts with F inner channels, K of them for each row.
struct Shape {
  std::string name;
  Index rows = 0, width = 0, hidden = 0, experts = 0, chosen = 0;
};

/// Named sizes. D, F, E and K are those of the cited source; T, the rows of a batch, is chosen here.
inline const std::vector<Shape>& named_shapes() {
  static const std::vector<Shape> shapes{
      // Runs in microseconds: for trials and tests.
      {"small", 64, 32, 48, 4, 2},
      // A quarter of `paper` in both widths, eight experts as in Mixtral: larger than CPU caches, small in memory.
      {"mid", 1024, 512, 1376, 8, 2},
      // One level of MultiPL-MoE (Findings of EMNLP 2025), upcycled from Qwen1.5-1.8B (config.json of the model:
      // hidden_size 2048, intermediate_size 5504): 6 experts, top-2.
      {"paper", 512, 2048, 5504, 6, 2},
      // Mixtral 8x7B (Jiang et al., 2024, arXiv 2401.04088, table 1): dim 4096, hidden_dim 14336, 8 experts, top-2.
      {"mixtral-8x7b", 512, 4096, 14336, 8, 2},
      // Qwen1.5-MoE-A2.7B (config.json of the model): hidden_size 2048, moe_intermediate_size 1408, 60 experts, top-4.
      {"qwen1.5-moe", 512, 2048, 1408, 60, 4},
      // DeepSeekMoE 16B (Dai et al., 2024, arXiv 2401.06066): width 2048, experts of 1408, 64 routed, top-6.
      {"deepseek-moe-16b", 512, 2048, 1408, 64, 6},
  };
  return shapes;
}

/// The shape that `text` names, in short or in full, or gives as TxDxFxExK; empty for any other text. Every size is at
/// least 1 and at most 2^20, so that no product of two of them overflows, and K is at most E.
inline std::optional<Shape> parse_shape(std::string_view text) {
  const std::string_view name = text == "mixtral" ? "mixtral-8x7b" : text == "qwen-moe" ? "qwen1.5-moe" : text;
  for (const Shape& shape : named_shapes())
    if (shape.name == name) return shape;

  Shape shape{std::string(text)};
  const char *at = text.data(), *const end = at + text.size();
  for (Index* size : {&shape.rows, &shape.width, &shape.hidden, &shape.experts, &shape.chosen}) {
    if (size != &shape.rows && (at == end || *at++ != 'x')) return std::nullopt;
    const auto [rest, error] = std::from_chars(at, end, *size);
    if (error != std::errc() || *size < 1 || *size > (Index{1} << 20)) return std::nullopt;
    at = rest;
  }
  if (at != end || shape.chosen > shape.experts) return std::nullopt;
  return shape;
}

}  // namespace moe_bench
