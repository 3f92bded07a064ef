/// A file of sections in a part of TOML: `[name]`, `key = "text"`, `key = 1.5`, `key = ["text", "text"]`, comments.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace multipl_moe::reproduce {

/// A section, whose values are read by name and type. Every read throws BadFile, with the line, if the key has another
/// type.
class Section {
 public:
  using Value = std::variant<std::string, double, std::vector<std::string>>;
  struct Entry {
    std::string key;
    Value value;
    std::size_t line;
  };

  Section(std::filesystem::path file, std::string name, std::size_t line);

  const std::string& name() const { return name_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// Throw BadFile if the key is missing, too.
  const std::string& text(std::string_view key) const;
  double number(std::string_view key) const;
  const std::vector<std::string>& texts(std::string_view key) const;
  /// The text, which must be one of `choices`.
  const std::string& choice(std::string_view key, const std::vector<std::string_view>& choices) const;

  /// Throws BadFile if a key is not in `known`; the section's line is named with what must not be there.
  void require_known(const std::set<std::string_view>& known) const;
  /// Throws BadFile: the key, or the section if it has no such key, breaks `rule`, which begins with "must".
  [[noreturn]] void refuse(std::string_view key, std::string_view rule) const;

  /// Throws BadFile if the key is already there.
  void add(Entry entry);

 private:
  const Entry* find(std::string_view key) const;
  template <class Type>
  const Type& get(std::string_view key, const char* rule) const;

  std::filesystem::path file_;
  std::string name_;
  std::size_t line_;
  std::vector<Entry> entries_;
};

/// The sections of a file, in its order. `path` is named in errors. Throws BadFile, with the line, for anything but the
/// forms above, for values before the first section, and for two sections of one name.
std::vector<Section> parse_sections(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe::reproduce
