#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multipl_moe {

/// The fields of a JSON object. Every member throws BadFile, which names the field, the rule and the value. A field
/// that is null counts as absent. An object records which of its fields were read, so that fields that are not read can
/// be reported.
class Fields {
 public:
  /// `prefix` precedes field names in messages, such as "moe.". `object` and `path` must outlive this object.
  Fields(const nlohmann::json& object, const std::filesystem::path& path, std::string prefix);

  const std::filesystem::path& path() const { return path_; }
  /// The prefix of field names in messages.
  const std::string& prefix() const { return prefix_; }

  /// A required field.
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::string text(std::string_view name, std::string_view otherwise) const;
  /// An array of strings.
  std::vector<std::string> texts(std::string_view name, const std::vector<std::string>& otherwise) const;
  std::optional<Fields> object(std::string_view name) const;

  void require_one_of(std::string_view name, std::span<const std::string_view> values) const;
  void require_one_of(std::string_view name, std::initializer_list<std::string_view> values) const {
    require_one_of(name, std::span(values.begin(), values.size()));
  }
  /// An array of integers below 2^63, or a single such integer; empty if the field is absent.
  std::vector<std::int64_t> integers(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool is_text(std::string_view name) const;
  /// Whether the field is present and null.
  bool is_null(std::string_view name) const;

  /// Throws unless the field is absent or equal to the JSON value `json`; 1 and 1.0 are equal.
  void require_equal(std::string_view name, std::string_view json) const;
  /// Whether the field is absent or equal to the JSON value `json`. Does not count as reading it.
  bool is_absent_or(std::string_view name, std::string_view json) const;

  /// The fields whose values are objects, with their names.
  std::vector<std::pair<std::string, Fields>> objects() const;
  /// The fields that are not null and have not been read yet, in alphabetical order, with the prefix.
  std::vector<std::string> unread() const;
  /// Throws BadFile for the first field of unread().
  void require_all_read() const;
  /// Marks the field as read.
  void ignore(std::string_view name) const { find(name); }

 private:
  /// Null if the field is absent or null.
  const nlohmann::json* look(std::string_view name) const;
  /// As look(), and marks the field as read.
  const nlohmann::json* find(std::string_view name) const;
  [[noreturn]] void fail(std::string_view name, std::string_view rule, const nlohmann::json& found) const;

  const nlohmann::json& object_;
  const std::filesystem::path& path_;
  std::string prefix_;
  mutable std::set<std::string, std::less<>> asked_;
};

}  // namespace multipl_moe
