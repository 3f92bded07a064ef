#include "multipl_moe/tokenizer/tokenizer_events.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::json;

constexpr std::size_t deepest = 16;
/// Maximum number of JSON values beside tokens and merges: enough for some thousand added tokens.
constexpr std::size_t most_values = 100'000;

/// Handles the events of the JSON parser (SAX).
class Events {
 public:
  Events(VocabularyPlace place, RawVocabulary& raw, const std::filesystem::path& path)
      : place_(place), raw_(raw), path_(path) {}

  Json result() { return std::move(root_); }

  bool start_object(std::size_t) {
    if (at_ != At::value) unexpected("an object");
    if (is_at("vocab")) {
      at_ = At::vocabulary;
      if (!open_.empty()) put(nullptr);
    } else {
      open(Json::object());
    }
    return true;
  }

  bool key(std::string& text) {
    if (at_ == At::vocabulary) {
      token_ = std::move(text);
    } else {
      if (open_.back()->contains(text))
        throw BadFile(path_, fmt::format("a key must occur once in an object, found '{}' twice", escaped(text)));
      keys_.back() = std::move(text);
    }
    return true;
  }

  bool end_object() {
    if (at_ == At::vocabulary)
      at_ = At::value;
    else
      close();
    return true;
  }

  bool start_array(std::size_t) {
    if (at_ == At::merges) {
      at_ = At::pair;
      parts_.clear();
    } else if (at_ == At::value && is_at("merges")) {
      at_ = At::merges;
      put(nullptr);
    } else if (at_ == At::value) {
      open(Json::array());
    } else {
      unexpected("an array");
    }
    return true;
  }

  bool end_array() {
    if (at_ == At::pair) {
      if (parts_.size() != 2)
        throw BadFile(path_, fmt::format("a merge must be of two tokens, found {}", parts_.size()));
      raw_.add_merge(parts_[0], parts_[1], path_);
      at_ = At::merges;
    } else if (at_ == At::merges) {
      at_ = At::value;
    } else {
      close();
    }
    return true;
  }

  bool string(std::string& text) {
    if (at_ == At::merges) {
      raw_.add_merge(text, path_);
    } else if (at_ == At::pair) {
      if (parts_.size() == 2) throw BadFile(path_, "a merge must be of two tokens, found more");
      parts_.push_back(std::move(text));
    } else if (at_ == At::vocabulary) {
      unexpected("a string");
    } else {
      put(std::move(text));
    }
    return true;
  }

  bool number_unsigned(std::uint64_t value) {
    if (at_ == At::vocabulary)
      raw_.add_token(token_, value, path_);
    else
      plain(value, fmt::format("the number {}", value));
    return true;
  }

  bool number_integer(std::int64_t value) { return plain(value, fmt::format("the number {}", value)); }
  bool number_float(double value, const std::string& text) {
    return plain(value, fmt::format("the number {}", escaped(text)));
  }
  bool boolean(bool value) { return plain(value, "a boolean"); }
  bool null() { return plain(nullptr, "null"); }
  bool binary(std::vector<std::uint8_t>&) { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) {
    throw BadFile(path_, position > 0 ? position - 1 : 0, fmt::format("must be JSON: {}", escaped(error.what(), 400)));
  }

 private:
  enum class At { value, vocabulary, merges, pair };

  /// Whether the value that begins is the vocabulary ("vocab") or the list of merges ("merges").
  bool is_at(std::string_view name) const {
    if (place_ == VocabularyPlace::root) return open_.empty() && name == "vocab";
    return open_.size() == 2 && keys_[0] == "model" && keys_[1] == name && open_.back()->is_object();
  }

  bool plain(Json value, const std::string& what) {
    if (at_ != At::value) return unexpected(what);
    put(std::move(value));
    return true;
  }

  Json& put(Json value) {
    if (++values_ > most_values)
      throw BadFile(path_, fmt::format("there must be at most {} values beside tokens and merges", most_values));
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_array()) return open_.back()->emplace_back(std::move(value));
    return (*open_.back())[keys_.back()] = std::move(value);
  }

  void open(Json container) {
    if (open_.size() == deepest) throw BadFile(path_, fmt::format("the JSON must nest at most {} deep", deepest));
    open_.push_back(&put(std::move(container)));
    keys_.emplace_back();
  }

  void close() {
    open_.pop_back();
    keys_.pop_back();
  }

  bool unexpected(const std::string& found) const {
    if (at_ == At::vocabulary)
      throw BadFile(path_,
                    fmt::format("a token's id must be an unsigned integer, found {} for '{}'", found, escaped(token_)));
    throw BadFile(path_, fmt::format("a merge must be a string or an array of two, found {}", found));
  }

  VocabularyPlace place_;
  RawVocabulary& raw_;
  const std::filesystem::path& path_;
  At at_ = At::value;
  Json root_;
  std::vector<Json*> open_;        ///< from the outermost container to the innermost
  std::vector<std::string> keys_;  ///< the latest key of each open object
  std::size_t values_ = 0;
  std::string token_;
  std::vector<std::string> parts_;
};

}  // namespace

Json parse_tokenizer_events(std::string_view text, VocabularyPlace place, RawVocabulary& raw,
                            const std::filesystem::path& path) {
  check_json_bytes(text, path);
  Events events(place, raw, path);
  Json::sax_parse(text, &events);
  return events.result();
}

}  // namespace multipl_moe
