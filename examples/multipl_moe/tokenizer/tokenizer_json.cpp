#include "multipl_moe/tokenizer/tokenizer_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/byte_alphabet.hpp"
#include "multipl_moe/tokenizer/checked_added.hpp"
#include "multipl_moe/tokenizer/raw_vocabulary.hpp"
#include "multipl_moe/tokenizer/tokenizer_events.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::json;

/// Checks one object of the file: the values of its fields, and that it has no other fields.
class Section {
 public:
  Section(const Json& object, std::string name, const std::filesystem::path& path)
      : object_(object), name_(std::move(name)), path_(path) {
    if (!object.is_object()) throw BadFile(path, fmt::format("{} must be an object, found {}", name_, shown(object)));
  }

  /// Null if the file has no such field.
  const Json& field(const std::string& key) {
    known_.push_back(key);
    static const Json null;
    const auto found = object_.find(key);
    return found == object_.end() ? null : *found;
  }

  /// Throws BadFile unless the field is one of `values`; a missing field is null.
  void require(const std::string& key, std::initializer_list<Json> values) {
    const Json& value = field(key);
    std::string list;
    for (const Json& allowed : values) {
      if (value == allowed && value.type() == allowed.type()) return;
      list += (list.empty() ? "" : " or ") + allowed.dump();
    }
    throw BadFile(path_, fmt::format("{}.{} must be {}, found {}", name_, key, list, shown(value)));
  }

  /// Accepts any value of a field that has no effect here.
  void ignore(const std::string& key) { known_.push_back(key); }

  /// Throws BadFile for a field that was not read.
  void finish() const {
    for (const auto& [key, value] : object_.items())
      if (std::find(known_.begin(), known_.end(), key) == known_.end())
        throw BadFile(path_, fmt::format("{} must not have {}, an unknown field", name_, escaped(key)));
  }

  static std::string shown(const Json& value) { return escaped(value.dump(-1, ' ', false), 80); }

 private:
  const Json& object_;
  std::string name_;
  const std::filesystem::path& path_;
  std::vector<std::string> known_;
};

bool read_normalizer(const Json& value, const std::filesystem::path& path) {
  if (value.is_null()) return false;
  Section normalizer(value, "normalizer", path);
  normalizer.require("type", {"NFC"});
  normalizer.finish();
  return true;
}

void check_byte_level(const Json& value, const std::string& name, const std::filesystem::path& path) {
  Section section(value, name, path);
  section.require("type", {"ByteLevel"});
  section.ignore("add_prefix_space");
  section.ignore("trim_offsets");
  section.ignore("use_regex");
  section.finish();
}

std::string read_pre_tokenizer(const Json& value, const std::filesystem::path& path) {
  Section sequence(value, "pre_tokenizer", path);
  sequence.require("type", {"Sequence"});
  const Json& steps = sequence.field("pretokenizers");
  sequence.finish();
  if (!steps.is_array() || steps.size() != 2)
    throw BadFile(
        path, fmt::format("pre_tokenizer.pretokenizers must be Split and ByteLevel, found {}", Section::shown(steps)));
  Section split(steps[0], "pre_tokenizer.pretokenizers[0]", path);
  split.require("type", {"Split"});
  split.require("behavior", {"Isolated"});
  split.require("invert", {false});
  const Json& pattern = split.field("pattern");
  split.finish();
  if (!pattern.is_object() || pattern.size() != 1 || !pattern.contains("Regex") || !pattern["Regex"].is_string())
    throw BadFile(path, fmt::format("the pattern must be an object of one Regex, found {}", Section::shown(pattern)));
  Section bytes(steps[1], "pre_tokenizer.pretokenizers[1]", path);
  bytes.require("type", {"ByteLevel"});
  bytes.require("add_prefix_space", {false});
  bytes.require("use_regex", {false});
  bytes.ignore("trim_offsets");
  bytes.finish();
  return pattern["Regex"].get<std::string>();
}

void check_model(const Json& value, const std::filesystem::path& path) {
  Section model(value, "model", path);
  model.require("type", {"BPE"});
  model.require("dropout", {nullptr});
  // With every byte in the vocabulary, no text is unknown.
  model.ignore("unk_token");
  model.ignore("fuse_unk");
  model.require("continuing_subword_prefix", {nullptr, ""});
  model.require("end_of_word_suffix", {nullptr, ""});
  model.require("byte_fallback", {nullptr, false});
  model.require("ignore_merges", {nullptr, false});
  // Already read by the parser, which leaves null.
  model.require("vocab", {nullptr});
  model.require("merges", {nullptr});
  model.finish();
}

std::vector<AddedToken> read_added(const Json& value, const std::filesystem::path& path) {
  std::vector<AddedToken> added;
  if (value.is_null()) return added;
  if (!value.is_array())
    throw BadFile(path, fmt::format("added_tokens must be a list, found {}", Section::shown(value)));
  for (const Json& object : value) {
    const auto id = object.find("id");
    if (!object.is_object() || id == object.end() || !id->is_number_unsigned() || id->get<std::uint64_t>() >= ~Token{0})
      throw BadFile(path, fmt::format("an added token must have an id, an unsigned integer below 2^32 - 1, found {}",
                                      Section::shown(object)));
    added.push_back(added_token(object, id->get<Token>(), path));
  }
  sort_added(added, path);
  return added;
}

/// The spelling of a token of the vocabulary. Added tokens are written literally.
std::string spelling(const TokenizerParts& parts, Token token) {
  const auto added = std::lower_bound(parts.added.begin(), parts.added.end(), token,
                                      [](const AddedToken& left, Token id) { return left.id < id; });
  const bool is_added = added != parts.added.end() && added->id == token;
  return is_added ? added->content : spelled(parts.vocabulary[token]);
}

}  // namespace

TokenizerParts parse_tokenizer_json(std::string_view text, const std::filesystem::path& path) {
  RawVocabulary raw;
  const Json root = parse_tokenizer_events(text, VocabularyPlace::model, raw, path);
  Section file(root, "the file", path);
  file.require("version", {"1.0"});
  file.require("truncation", {nullptr});
  file.require("padding", {nullptr});
  TokenizerParts parts;
  parts.added = read_added(file.field("added_tokens"), path);
  parts.is_nfc = read_normalizer(file.field("normalizer"), path);
  parts.pattern = read_pre_tokenizer(file.field("pre_tokenizer"), path);
  if (const Json& processor = file.field("post_processor"); !processor.is_null())
    check_byte_level(processor, "post_processor", path);
  check_byte_level(file.field("decoder"), "decoder", path);
  check_model(file.field("model"), path);
  file.finish();
  parts.vocabulary = raw.vocabulary(parts.added, path);
  parts.merges = raw.merges(parts.vocabulary, path);
  check_added(parts.added, parts.vocabulary, path);
  return parts;
}

std::string tokenizer_json_text(const TokenizerParts& parts) {
  using Ordered = nlohmann::ordered_json;
  const auto byte_level = [](bool use_regex) {
    return Ordered{
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", use_regex}};
  };
  Ordered file{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", Ordered::array()}};
  for (const AddedToken& token : parts.added)
    file["added_tokens"].push_back({{"id", token.id},
                                    {"content", token.content},
                                    {"single_word", false},
                                    {"lstrip", false},
                                    {"rstrip", false},
                                    {"normalized", token.is_normalized},
                                    {"special", token.is_special}});
  if (parts.is_nfc)
    file["normalizer"]["type"] = "NFC";
  else
    file["normalizer"] = nullptr;
  const Ordered split{
      {"type", "Split"}, {"pattern", {{"Regex", parts.pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Ordered::array({split, byte_level(false)})}};
  file["post_processor"] = byte_level(false);
  file["decoder"] = byte_level(false);
  file["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", ""},
                   {"end_of_word_suffix", ""},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", false}};
  std::string text = file.dump(2);
  // Tokens are appended as text, because an ordered JSON object searches all its keys for each new one.
  text.resize(text.rfind("\n  }"));
  text += ",\n    \"vocab\": {";
  for (Token token = 0; token < parts.vocabulary.size(); ++token)
    text += fmt::format("{}\n      {}: {}", token == 0 ? "" : ",", Json(spelling(parts, token)).dump(), token);
  text += "\n    },\n    \"merges\": [";
  for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const Merge& merge = parts.merges[rank];
    text += fmt::format("{}\n      {}", rank == 0 ? "" : ",",
                        Json(spelling(parts, merge.left) + " " + spelling(parts, merge.right)).dump());
  }
  return text + "\n    ]\n  }\n}";
}

}  // namespace multipl_moe
