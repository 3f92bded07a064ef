/// The tokenizer that tests/golden/make_tokenizer.py trained with the package `tokenizers`, and its results for texts.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "../io/scratch.hpp"
#include "multipl_moe/tokenizer/bpe_tokenizer.hpp"
#include "multipl_moe/tokenizer/tokenizer_json.hpp"

namespace multipl_moe::testing {

inline std::string golden_text(std::string_view name) {
  std::string text = get_bytes(std::filesystem::path(MOE_GOLDEN_DIR) / name);
  if (text.empty()) throw std::runtime_error("a golden file is missing");
  return text;
}

inline nlohmann::json golden_json() { return nlohmann::json::parse(golden_text("tokenizer.json")); }

inline std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline const BpeTokenizer& golden_tokenizer() {
  static const BpeTokenizer tokenizer(parse_tokenizer_json(golden_text("tokenizer.json"), "golden"), "golden");
  return tokenizer;
}

}  // namespace multipl_moe::testing
