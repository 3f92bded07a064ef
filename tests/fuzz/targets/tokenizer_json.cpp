#include "multipl_moe/tokenizer/tokenizer_json.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered tokenizer_json("tokenizer_json", [](std::string_view bytes) {
  const auto parts = value_or_refusal([&] { return parse_tokenizer_json(bytes, "tokenizer.json"); });
  if (!parts) return false;
  const std::string text = tokenizer_json_text(*parts);
  require(tokenizer_json_text(parse_tokenizer_json(text, "again")) == text,
          "a second round trip does not change a tokenizer");
  return true;
});

}  // namespace multipl_moe::fuzz
