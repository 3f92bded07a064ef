#include "multipl_moe/io/free_memory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;

constexpr const char* limit_variable = "MOE_MEMORY_LIMIT";

/// The integer at the beginning of a file; empty if there is none: "max" means no limit.
std::optional<std::int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

/// The sum of the values in lines `name value` with one of these names (a colon is part of the name); missing lines
/// count as 0.
std::int64_t sum_of_lines(const fs::path& path, std::span<const std::string_view> names) {
  std::ifstream file(path);
  std::int64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t value = 0;
    if (words >> name >> value && std::find(names.begin(), names.end(), name) != names.end()) sum += value;
  }
  return sum;
}

/// The file and field names of one version of control groups.
struct GroupVersion {
  std::string_view folder;  ///< below the root of the hierarchy
  const char *limit, *taken;
  std::array<std::string_view, 3> reclaimable;  ///< in memory.stat: memory that the kernel reclaims first
};
constexpr GroupVersion version_1{
    "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_active_file", "total_inactive_file"}};
constexpr GroupVersion version_2{
    "", "memory.max", "memory.current", {"active_file", "inactive_file", "slab_reclaimable"}};

std::optional<std::int64_t> left_in(const fs::path& group, const GroupVersion& version) {
  const auto limit = number_in(group / version.limit), taken = number_in(group / version.taken);
  if (!limit || !taken) return std::nullopt;
  const std::int64_t held = *taken - std::min(*taken, sum_of_lines(group / "memory.stat", version.reclaimable));
  return std::max<std::int64_t>(0, *limit - held);
}

/// The smaller of the two numbers; an empty one is ignored.
std::optional<std::int64_t> lesser(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

/// The least memory that the group at `path` and its ancestors leave. A container may see its own group as the root
/// while `path` is relative to the host's root: folders that do not exist are skipped.
std::optional<std::int64_t> left_in_all(const fs::path& root, const fs::path& path, const GroupVersion& version) {
  std::optional<std::int64_t> left = left_in(root, version);
  fs::path group = root;
  for (const fs::path& name : path.relative_path()) {
    if (name == "..") break;  // outside this cgroup namespace
    left = lesser(left, left_in(group /= name, version));
  }
  return left;
}

std::optional<std::int64_t> left_in_groups(const MemoryFiles& files) {
  std::ifstream file(files.proc / "self/cgroup");
  std::optional<std::int64_t> left;
  // Lines `number:controllers:path`; version 2 names no controllers.
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool is_v2 = controllers == ",,";
    if (!is_v2 && controllers.find(",memory,") == controllers.npos) continue;
    const GroupVersion& version = is_v2 ? version_2 : version_1;
    left = lesser(left, left_in_all(files.cgroups / version.folder, line.substr(second + 1), version));
  }
  return left;
}

/// Bytes of a size such as `8GiB`, `500MB` or `1000000`. Throws UsageError for any other text.
std::int64_t parse_size(std::string_view text) {
  constexpr std::string_view powers = "KMGT";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  unit.erase(std::remove(unit.begin(), unit.end(), ' '), unit.end());
  double factor = 1;
  if (!unit.empty() && unit != "B") {
    const std::size_t power = powers.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0]))));
    const bool is_binary = unit.size() == 3 && unit.substr(1) == "iB", is_decimal = unit.substr(1) == "B";
    if (power == powers.npos || !(is_binary || is_decimal || unit.size() == 1)) number = -1;
    for (std::size_t p = 0; power != powers.npos && p <= power; ++p) factor *= is_decimal ? 1000 : 1024;
  }
  constexpr double largest = 1e18;
  if (error != std::errc() || !(number > 0) || !(number * factor < largest))
    throw UsageError(fmt::format("[{}] must be a size such as 8GiB, 500MB or 1000000, found '{}'", limit_variable,
                                 escaped(text, 80)));
  return static_cast<std::int64_t>(number * factor);
}

std::optional<std::int64_t> left_by_limit() {
  const char* const limit = std::getenv(limit_variable);
  if (limit == nullptr) return std::nullopt;
  return std::max<std::int64_t>(0, parse_size(limit) - resident_bytes());
}

}  // namespace

std::optional<std::int64_t> free_memory_bytes(const MemoryFiles& files) {
  const std::int64_t available =
      1024 * sum_of_lines(files.proc / "meminfo", std::array<std::string_view, 1>{"MemAvailable:"});
  const auto of_system = available > 0 ? std::optional(available) : std::nullopt;
  return lesser(lesser(of_system, left_in_groups(files)), left_by_limit());
}

std::int64_t total_bytes(std::span<const MemoryPart> parts) {
  std::int64_t sum = 0;
  for (const MemoryPart& part : parts) sum += part.bytes;
  return sum;
}

void require_free_memory(std::string_view command, std::span<const MemoryPart> parts, std::string_view advice,
                         int processes) {
  if (const auto free = free_memory_bytes()) require_memory_of("memory", *free, command, parts, advice, processes);
}

void require_memory_of(std::string_view place, std::int64_t free, std::string_view command,
                       std::span<const MemoryPart> parts, std::string_view advice, int processes) {
  const std::int64_t needed = total_bytes(parts);
  if (processes * needed <= free) return;
  std::vector<std::string> texts;
  std::int64_t fixed = 0;
  for (const MemoryPart& part : parts) {
    if (part.bytes > 0) texts.push_back(fmt::format("{} ({})", part.name, memory_text(part.bytes)));
    if (part.is_fixed) fixed += part.bytes;
  }
  const std::string of_all = processes == 1 ? ""
                                            : fmt::format(" in each of the {} processes on this machine, {} for all",
                                                          processes, memory_text(processes * needed));
  throw OutOfMemory(fmt::format("[{}] {} must hold {}, about {} together{}, found {} free; {}", command, place,
                                fmt::join(texts, ", "), memory_text(needed), of_all, memory_text(free),
                                fixed > free ? "no setting of this command makes them fit" : advice));
}

std::int64_t resident_bytes() {
  std::ifstream statistics("/proc/self/statm");
  std::int64_t pages = 0, resident = 0;
  if (!(statistics >> pages >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace multipl_moe
