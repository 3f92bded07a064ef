#include "multipl_moe/tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/tokenizer/bpe_tokenizer.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"
#include "multipl_moe/tokenizer/files_beside.hpp"
#include "multipl_moe/tokenizer/tokenizer_json.hpp"
#include "multipl_moe/tokenizer/vocabulary_files.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;

/// Qwen's files have 7 to 11 MB. The JSON parser may hold a text three times in memory.
constexpr std::uint64_t largest_file = std::uint64_t{12} << 20;

bool has(const fs::path& folder, const char* name) {
  std::error_code failed;
  return fs::symlink_status(folder / name, failed).type() != fs::file_type::not_found;
}

BpeTokenizer::SourceFile read_source(const fs::path& folder, const char* name, std::uint64_t limit = largest_file) {
  return {name, read_model_file(folder, name, limit)};
}

/// Checks files that repeat what the tokenizer's own files contain; they are not kept.
void check_files_beside(const fs::path& folder, const TokenizerParts& parts) {
  const std::pair<const char*, void (*)(NamedText, const TokenizerParts&)> checks[] = {
      {"added_tokens.json", &check_added_tokens}, {"special_tokens_map.json", &check_special_tokens}};
  for (const auto& [name, check] : checks)
    if (has(folder, name)) check({read_source(folder, name, largest_config).bytes, folder / name}, parts);
}

std::shared_ptr<const Tokenizer> read_one_file(const fs::path& folder) {
  const fs::path path = folder / "tokenizer.json";
  std::vector<BpeTokenizer::SourceFile> files;
  files.push_back(read_source(folder, "tokenizer.json"));
  TokenizerParts parts = parse_tokenizer_json(files[0].bytes, path);
  // Other programs read this file too; its tokens must agree with those of tokenizer.json.
  if (has(folder, "tokenizer_config.json")) {
    files.push_back(read_source(folder, "tokenizer_config.json", largest_config));
    check_tokenizer_config({files.back().bytes, folder / "tokenizer_config.json"}, parts);
  }
  check_files_beside(folder, parts);
  return std::make_shared<const BpeTokenizer>(std::move(parts), path, std::move(files));
}

std::shared_ptr<const Tokenizer> read_parts(const fs::path& folder) {
  const bool has_config = has(folder, "tokenizer_config.json");
  std::vector<BpeTokenizer::SourceFile> files;
  files.push_back(read_source(folder, "vocab.json"));
  files.push_back(read_source(folder, "merges.txt"));
  if (has_config) files.push_back(read_source(folder, "tokenizer_config.json", largest_config));
  std::vector<fs::path> paths;
  for (const BpeTokenizer::SourceFile& file : files) paths.push_back(folder / file.name);
  const NamedText config{files.back().bytes, paths.back()};
  TokenizerParts parts =
      parse_vocabulary_files({files[0].bytes, paths[0]}, {files[1].bytes, paths[1]}, has_config ? &config : nullptr);
  check_files_beside(folder, parts);
  return std::make_shared<const BpeTokenizer>(std::move(parts), paths.back(), std::move(files));
}

}  // namespace

std::shared_ptr<const Tokenizer> byte_tokenizer() {
  static const auto shared = std::make_shared<const ByteTokenizer>();
  return shared;
}

std::string described(const Tokenizer& tokenizer) {
  return fmt::format("{} ({})", escaped(tokenizer.name()), counted(tokenizer.vocab_size(), "tokens"));
}

std::shared_ptr<const Tokenizer> read_tokenizer(const fs::path& folder) {
  if (has(folder, "tokenizer.json")) return read_one_file(folder);
  if (has(folder, "vocab.json")) return read_parts(folder);
  return byte_tokenizer();
}

}  // namespace multipl_moe
