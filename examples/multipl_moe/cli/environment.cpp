#include "multipl_moe/cli/environment.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>
#include <utf8proc.h>
#include <xxhash.h>

#include <CLI/Version.hpp>
#include <Eigen/Core>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t largest_file = std::uint64_t{16} << 20;

Json dependencies() {
  Json versions = Json::object();
  for (const auto& [name, version] : library_versions()) versions[name] = version;
  return versions;
}

Json data_of(const BatchStream& stream) {
  Json data = Json::object();
  for (const Language language : all_languages)
    if (const TokenFile* const file = stream.file(language))
      data[std::string(name_of(language))] = {{"path", escaped(file->path().native(), 4096)},
                                              {"xxh3", fmt::format("{:016x}", file->checksum())},
                                              {"tokens", file->token_count()}};
  return data;
}

Json environment_now(const BatchStream& stream, int threads, const std::string& device) {
  return {{"version", MOE_PROGRAM_VERSION},
          {"compiler", MOE_PROGRAM_COMPILER},
          {"flags", MOE_PROGRAM_FLAGS},
          {"device", escaped(device)},
          {"cpu", cpu_name()},
          {"instruction_set", moe::cpu::name_of(moe::cpu::instruction_set())},
          {"threads", threads},
          {"processors", std::thread::hardware_concurrency()},
          {"dependencies", dependencies()},
          {"data", data_of(stream)}};
}

std::optional<Json> read_environment(const std::filesystem::path& path) {
  try {
    return Json(parse_strict_json(read_whole_file(path, largest_file), path));
  } catch (const BadFile& error) {
    notice("warning: {}; the file is replaced\n", error.what());
    return std::nullopt;
  }
}

/// Warns of differences that can change results. The number of threads cannot, and the data's hashes are compared with
/// the run's settings.
void warn_of_environment_change(const Json& begun, const Json& now) {
  for (const char* name : {"version", "compiler", "flags", "device", "cpu", "instruction_set", "dependencies"})
    if (!begun.contains(name) || nlohmann::json(begun[name]) != nlohmann::json(now[name]))
      notice(
          "warning: the run began with another {}: {}, found {}; its results may differ from those of an uninterrupted "
          "run\n",
          name, begun.contains(name) ? escaped(begun[name].dump()) : "none", escaped(now[name].dump()));
}

}  // namespace

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (const auto colon = line.find(": "); line.starts_with("model name") && colon != std::string::npos)
      return line.substr(colon + 2);
  return "unknown";
}

std::string compiler_name() { return MOE_PROGRAM_COMPILER; }

std::vector<std::pair<std::string, std::string>> library_versions() {
  return {{"Eigen", fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
          {"CLI11", CLI11_VERSION},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                        NLOHMANN_JSON_VERSION_PATCH)},
          {"PCRE2", fmt::format("{}.{}", PCRE2_MAJOR, PCRE2_MINOR)},
          {"utf8proc", fmt::format("{}.{}.{}", UTF8PROC_VERSION_MAJOR, UTF8PROC_VERSION_MINOR, UTF8PROC_VERSION_PATCH)},
          {"xxHash", fmt::format("{}.{}.{}", XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE)}};
}

void record_environment(const std::filesystem::path& run, const BatchStream& stream, int threads,
                        const std::string& device, std::int64_t steps_done) {
  const auto path = run / "env.json";
  const Json now = environment_now(stream, threads, device);
  std::optional<Json> begun;
  if (steps_done > 0) begun = read_environment(path);
  if (!begun || !begun->is_object()) return write_file_atomically(path, now.dump(2) + "\n");
  // Runs of version 0.1 name no device: all were on the CPU.
  if (!begun->contains("device")) (*begun)["device"] = "cpu";
  warn_of_environment_change(*begun, now);
  Json last = *begun;
  last.erase("resumed");
  Json& resumed = (*begun)["resumed"];
  if (resumed.is_array() && !resumed.empty()) last = resumed.back();
  if (!resumed.is_array()) resumed = Json::array();
  last.erase("from_step");
  if (nlohmann::json(last) == nlohmann::json(now)) return;
  Json entry{{"from_step", steps_done}};
  entry.update(now);
  resumed.push_back(std::move(entry));
  write_file_atomically(path, begun->dump(2) + "\n");
}

}  // namespace multipl_moe
