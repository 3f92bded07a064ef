#include "multipl_moe/tokenizer/vocabulary_files.hpp"

#include "fuzz/target.hpp"
#include "multipl_moe/tokenizer/tokenizer_json.hpp"

namespace multipl_moe::fuzz {

/// The contents of vocab.json, merges.txt and tokenizer_config.json, in this order, separated by NUL bytes; the third
/// may be left out.
const Registered vocabulary_files("vocabulary_files", [](std::string_view bytes) {
  const std::filesystem::path names[] = {"vocab.json", "merges.txt", "tokenizer_config.json"};
  const auto next = [&bytes] {
    const std::string_view part = bytes.substr(0, bytes.find('\0'));
    bytes.remove_prefix(std::min(bytes.size(), part.size() + 1));
    return part;
  };
  const NamedText vocabulary{next(), names[0]}, merges{next(), names[1]};
  const bool has_config = !bytes.empty();
  const NamedText config{next(), names[2]};
  const auto parts =
      value_or_refusal([&] { return parse_vocabulary_files(vocabulary, merges, has_config ? &config : nullptr); });
  if (!parts) return false;
  const std::string text = tokenizer_json_text(*parts);
  require(tokenizer_json_text(parse_tokenizer_json(text, "again")) == text,
          "written as tokenizer.json, it reads and writes back equal");
  return true;
});

}  // namespace multipl_moe::fuzz
