#include "multipl_moe/io/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <vector>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t largest_manifest = std::uint64_t{1} << 20;

FileStamp stamp_of(const fs::path& path) {
  const InputFile file = InputFile::open(path);
  std::vector<std::byte> piece(std::size_t{1} << 20);
  RunningHash hash;
  for (std::uint64_t at = 0; at < file.size();) {
    const auto bytes = std::span(piece).first(std::min<std::uint64_t>(piece.size(), file.size() - at));
    file.read_at(at, bytes);
    hash.add(bytes);
    at += bytes.size();
  }
  return {hash.value(), file.size()};
}

/// Links are not followed: their targets are not in the folder.
bool is_own_file(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(fs::symlink_status(path, failed));
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

FileStamps parse_manifest(std::string_view text, const fs::path& path) {
  FileStamps stamps;
  for (std::uint64_t at = 0; at < text.size();) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    const std::size_t space = line.find(' ', 17);
    if (line.size() < 20 || line[16] != ' ' || space == std::string_view::npos || at + line.size() == text.size())
      throw BadFile(path, at, fmt::format("a line must be '<XXH3> <bytes> <name>', found '{}'", escaped(line)));
    const auto hash = number_of<std::uint64_t>(line.substr(0, 16), 16);
    const auto bytes = number_of<std::uint64_t>(line.substr(17, space - 17), 10);
    const std::string name(line.substr(space + 1));
    if (!hash || !bytes)
      throw BadFile(path, at, fmt::format("a line must begin with two numbers, found '{}'", escaped(line)));
    if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\0", 2)) != name.npos)
      throw BadFile(path, at, fmt::format("a name must be a plain file name, found '{}'", escaped(name)));
    if (!stamps.emplace(name, FileStamp{*hash, *bytes}).second)
      throw BadFile(path, at, fmt::format("a name must occur once, found '{}' twice", escaped(name)));
    at += line.size() + 1;
  }
  return stamps;
}

std::string to_text(const FileStamps& stamps) {
  std::string text;
  for (const auto& [name, stamp] : stamps) text += fmt::format("{:016x} {} {}\n", stamp.hash, stamp.bytes, name);
  return text;
}

std::set<std::string> file_names_in(const fs::path& folder) {
  std::error_code failed;
  std::set<std::string> names;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed))
    names.insert(entry->path().filename().native());
  if (failed) throw IoError(folder, "list", failed.value());
  return names;
}

std::string manifest_of(const fs::path& folder) {
  FileStamps stamps;
  for (const std::string& name : file_names_in(folder)) {
    if (!is_own_file(folder / name) || name.find('\n') != std::string::npos || name == manifest_name)
      throw Failure(fmt::format("[{}] a checkpoint must hold only regular files, none named MANIFEST, found '{}'",
                                escaped(folder.native()), escaped(name)));
    stamps.emplace(name, stamp_of(folder / name));
  }
  return to_text(stamps);
}

std::uint64_t hash_of_file(const fs::path& path) { return stamp_of(path).hash; }

void check_manifest(const fs::path& folder) {
  const fs::path path = folder / manifest_name;
  const auto stamps = parse_manifest(read_whole_file(path, largest_manifest), path);
  for (const auto& [name, stamp] : stamps) {
    if (!is_own_file(folder / name))
      throw BadFile(folder / name, "must exist, since the manifest lists it, found no such file");
    const FileStamp found = stamp_of(folder / name);
    if (found.bytes != stamp.bytes)
      throw BadFile(folder / name, fmt::format("must have {} as in the manifest, found {}",
                                               counted(stamp.bytes, "bytes"), found.bytes));
    if (found.hash != stamp.hash)
      throw BadFile(folder / name, fmt::format("must have the checksum {:016x} of the manifest, found {:016x}",
                                               stamp.hash, found.hash));
  }
  for (const std::string& name : file_names_in(folder))
    if (name != manifest_name && !stamps.contains(name))
      throw BadFile(folder / name, "must be listed in the manifest, found it missing there");
}

}  // namespace multipl_moe
