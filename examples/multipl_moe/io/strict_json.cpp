#include "multipl_moe/io/strict_json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr int deepest = 64;

/// Told of every event while the parser builds its value, which would keep the last of two keys.
class Watch {
 public:
  explicit Watch(const std::filesystem::path& path) : path_(path) {}

  bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (depth >= deepest) throw BadFile(path_, fmt::format("the JSON must nest at most {} deep", deepest));
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(value.get<std::string>()).second)
      throw BadFile(path_, fmt::format("a key must occur once in an object, found '{}' twice",
                                       escaped(value.get<std::string>())));
    return true;
  }

 private:
  const std::filesystem::path& path_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

void check_json_bytes(std::string_view text, const std::filesystem::path& path) {
  if (text.starts_with("\xef\xbb\xbf")) throw BadFile(path, 0, "must not begin with a byte order mark");
  // The parser takes a NUL for the end of the text, and would not look at what follows.
  if (const std::size_t nul = text.find('\0'); nul != text.npos) throw BadFile(path, nul, "must be JSON, found a NUL");
}

nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path) {
  check_json_bytes(text, path);
  Watch watch(path);
  try {
    // The parser copies its callback; the watch must stay one.
    return nlohmann::json::parse(text, [&watch](int depth, nlohmann::json::parse_event_t event,
                                                const nlohmann::json& value) { return watch(depth, event, value); });
  } catch (const nlohmann::json::parse_error& error) {
    throw BadFile(path, error.byte > 0 ? error.byte - 1 : 0,
                  fmt::format("must be JSON: {}", escaped(error.what(), 400)));
  } catch (const nlohmann::json::exception& error) {
    throw BadFile(path, fmt::format("must be JSON: {}", escaped(error.what(), 400)));
  }
}

}  // namespace multipl_moe
