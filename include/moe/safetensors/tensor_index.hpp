// STEM.safetensors.index.json: which file of a model holds which tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"
#include "moe/safetensors/json_text.hpp"

namespace moe::io {

/// An index of tensors.
struct TensorIndex {
  /// Bytes of all tensors, if the index gives them.
  std::optional<std::uint64_t> total_size;
  /// File names, each once, in the order of their first use in the map.
  std::vector<std::string> shards;
  /// The number in `shards` of each tensor's file.
  std::map<std::string, std::size_t, std::less<>> shard_of;
};

namespace detail {

/// Limits far above any model; together they fit into 64 MB of memory.
inline constexpr std::uint64_t largest_index = std::uint64_t{16} << 20;
inline constexpr std::size_t most_indexed = 300'000;
inline constexpr std::size_t most_shards = 10'000;
inline constexpr std::size_t longest_indexed_name = 4096;
inline constexpr std::size_t deepest_index = 64;

inline bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

/// Handles the events of the JSON parser (SAX): a DOM of an index is many times as large as the index.
class IndexEvents {
 public:
  IndexEvents(const std::filesystem::path& path, TensorIndex& index) : path_(path), index_(index) {}

  bool start_object(std::size_t) {
    if (depth_ == 1 && key_ == "weight_map") at_ = At::map;
    if (depth_ == 1 && key_ == "metadata") at_ = At::metadata;
    if (at_ == At::map && depth_ > 1) fail(text_of("'", escaped(key_), "' must be the name of a file"));
    return enter();
  }
  bool end_object() {
    if (depth_ == 2) at_ = At::outside;
    return leave();
  }
  bool start_array(std::size_t) {
    if (depth_ == 0) fail("an index must be a JSON object, found an array");
    return scalar("an array") && enter();
  }
  bool end_array() { return leave(); }

  bool key(std::string& text) {
    if (at_ == At::map && text.size() > longest_indexed_name)
      fail(text_of("a name must have at most ", longest_indexed_name, " bytes, found ", text.size()));
    if (depth_ == 1 && (text == "weight_map" || text == "metadata")) {
      bool& seen = text == "weight_map" ? has_map_ : has_metadata_;
      if (seen) fail(text_of(text, " must occur once, found it twice"));
      seen = true;
    }
    key_ = std::move(text);
    return true;
  }

  bool string(std::string& text) {
    if (at_ != At::map || depth_ != 2) return scalar("a string");
    if (!is_plain_file_name(text))
      fail(text_of("the file of '", escaped(key_), "' must be a plain file name, found '", escaped(text), "'"));
    const auto shard = numbers_.try_emplace(std::move(text), index_.shards.size());
    if (shard.second) index_.shards.push_back(shard.first->first);
    if (!index_.shard_of.emplace(key_, shard.first->second).second)
      fail(text_of("a tensor must be listed once, found '", escaped(key_), "' twice"));
    if (index_.shard_of.size() > most_indexed) fail(text_of("there must be at most ", most_indexed, " tensors"));
    if (index_.shards.size() > most_shards) fail(text_of("there must be at most ", most_shards, " files"));
    return true;
  }
  bool number_unsigned(std::uint64_t value) {
    if (at_ != At::metadata || depth_ != 2 || key_ != "total_size") return scalar("a number");
    if (index_.total_size) fail("metadata.total_size must occur once, found it twice");
    index_.total_size = value;
    return true;
  }
  bool number_integer(std::int64_t) { return scalar("a negative number"); }
  bool number_float(double, const std::string&) { return scalar("a number that is no integer"); }
  bool boolean(bool) { return scalar("a boolean"); }
  bool null() { return scalar("null"); }
  bool binary(std::vector<std::uint8_t>&) { return scalar("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    throw BadFile(path_, position > 0 ? position - 1 : 0, text_of("must be JSON: ", escaped(error.what(), 400)));
  }

  void check_complete() const {
    if (!has_map_) fail("weight_map is missing");
  }

 private:
  enum class At { outside, map, metadata };

  /// A value of an unexpected type: refused in a field that the index requires, ignored elsewhere.
  bool scalar(const char* found) const {
    if (depth_ == 0) fail(text_of("an index must be a JSON object, found ", found));
    if (depth_ == 1 && (key_ == "weight_map" || key_ == "metadata"))
      fail(text_of(key_, " must be an object, found ", found));
    if (depth_ == 2 && at_ == At::map)
      fail(text_of("the file of '", escaped(key_), "' must be a plain file name, found ", found));
    if (depth_ == 2 && at_ == At::metadata && key_ == "total_size")
      fail(text_of("metadata.total_size must be an unsigned integer, found ", found));
    return true;
  }
  bool enter() {
    if (++depth_ > deepest_index) fail(text_of("the JSON must nest at most ", deepest_index, " deep"));
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }
  [[noreturn]] void fail(const std::string& reason) const { throw BadFile(path_, reason); }

  const std::filesystem::path& path_;
  TensorIndex& index_;
  At at_ = At::outside;
  std::size_t depth_ = 0;
  std::string key_;
  bool has_map_ = false, has_metadata_ = false;
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

}  // namespace detail

/// Throws BadFile if `text` is not JSON (with the offset) or not an index, if a tensor is listed twice, if a shard is
/// not a plain file name, or if there are more than 300,000 tensors or 10,000 shards. Only the result is kept in
/// memory.
inline TensorIndex parse_tensor_index(std::string_view text, const std::filesystem::path& path) {
  check_json_bytes(text, path);
  TensorIndex index;
  detail::IndexEvents events(path, index);
  nlohmann::json::sax_parse(text, &events);
  events.check_complete();
  return index;
}
/// As parse_tensor_index(), for a file of at most 16 MiB.
inline TensorIndex read_tensor_index(const std::filesystem::path& path) {
  return parse_tensor_index(read_whole_file(path, detail::largest_index), path);
}

}  // namespace moe::io
