#include "multipl_moe/io/strict_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

constexpr int deepest_json = 64;

/// Called with every event while the parser builds its value, because the parser would silently keep the last of two
/// equal keys.
class Watch {
 public:
  bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (depth >= deepest_json) throw JsonFault({}, fmt::format("JSON that nests at most {} deep", deepest_json));
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(value.get<std::string>()).second)
      throw JsonFault({}, fmt::format("JSON in which a key occurs once in an object, found '{}' twice",
                                      escaped(value.get<std::string>())));
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

void refuse_nul(std::string_view text) {
  // The parser treats a NUL as the end of the text and would ignore the rest.
  if (const std::size_t nul = text.find('\0'); nul != text.npos) throw JsonFault(nul, "JSON, found a NUL");
}

/// The parser's message without its name of the error and the position, which are reported separately.
std::string reason_of(const nlohmann::json::exception& error) {
  std::string_view words = error.what();
  const auto cut_behind = [&words](std::string_view end) {
    if (const std::size_t at = words.find(end); at != words.npos) words.remove_prefix(at + end.size());
  };
  cut_behind("] ");
  if (words.starts_with("parse error")) cut_behind(": ");
  return fmt::format("JSON: {}", escaped(words, 400));
}

/// Offset of the first byte that is not UTF-8; the size of the text if all of it is.
std::size_t end_of_utf8(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t bytes; at < text.size() && (bytes = code_point_bytes(text.substr(at))) > 0;) at += bytes;
  return at;
}

JsonFault fault_of(std::string_view text, const nlohmann::json::parse_error& error) {
  const std::size_t seen = error.byte > 0 ? error.byte - 1 : 0, other = end_of_utf8(text);
  if (other > seen || other == text.size()) return {seen, reason_of(error)};
  return {other, fmt::format("JSON in UTF-8, found the byte 0x{:02x} of another encoding",
                             static_cast<unsigned>(static_cast<unsigned char>(text[other])))};
}

}  // namespace

nlohmann::json parse_strict_json(std::string_view text) {
  refuse_nul(text);
  Watch watch;
  try {
    // The parser copies its callback, so that `watch` is captured by reference. It skips a byte-order mark by itself.
    return nlohmann::json::parse(text, [&watch](int depth, nlohmann::json::parse_event_t event,
                                                const nlohmann::json& value) { return watch(depth, event, value); });
  } catch (const nlohmann::json::parse_error& error) {
    throw fault_of(text, error);
  } catch (const nlohmann::json::exception& error) {
    throw JsonFault({}, reason_of(error));
  }
}

nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path) {
  try {
    return parse_strict_json(text);
  } catch (const JsonFault& fault) {
    const std::string reason = fmt::format("must be {}", fault.what());
    if (!fault.offset()) throw BadFile(path, reason);
    const std::size_t lines = 1 + static_cast<std::size_t>(std::count(
                                      text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*fault.offset()), '\n'));
    throw BadFile(path, *fault.offset(), lines == 1 ? reason : fmt::format("{} (line {})", reason, lines));
  }
}

}  // namespace multipl_moe
