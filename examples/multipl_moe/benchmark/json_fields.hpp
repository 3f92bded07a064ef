/// Fields of a JSON object in an untrusted file. A JsonFault continues "line 7 must be".
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::benchmark {

/// The value of the first of `names` that the object has; null if it has none of them.
const nlohmann::json* field_of(const nlohmann::json& object, std::initializer_list<const char*> names);

/// Throws JsonFault unless `value` is an object; `what` is its noun, as in "a problem".
void require_object(const nlohmann::json& value, std::string_view what);

/// The string in the first of `names` that the object has.
std::string text_in(const nlohmann::json& object, std::string_view what, std::initializer_list<const char*> names);
/// The same; empty if the object has none of them.
std::string text_or_empty(const nlohmann::json& object, std::string_view what,
                          std::initializer_list<const char*> names);
/// A whole number that is not negative; empty if the object does not have it.
std::optional<std::int64_t> count_in(const nlohmann::json& object, std::string_view what, const char* name);
/// true or false; empty if the object does not have it.
std::optional<bool> flag_in(const nlohmann::json& object, std::string_view what, const char* name);
/// The strings of the array `name`; empty if the object does not have it.
std::vector<std::string> texts_in(const nlohmann::json& object, std::string_view what, const char* name);

/// The name in `names`: 1 to 200 bytes without control characters.
std::string name_in(const nlohmann::json& object, std::string_view what, std::initializer_list<const char*> names);

/// The language in the field "language": a name such as "python", or MultiPL-E's "py", "rs", "go_test.go", "rb"; empty
/// if the object does not have it.
std::optional<Language> language_in(const nlohmann::json& object, std::string_view what);

}  // namespace multipl_moe::benchmark
