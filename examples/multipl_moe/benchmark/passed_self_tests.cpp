#include "multipl_moe/benchmark/passed_self_tests.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "multipl_moe/benchmark/self_test.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/shared_file.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::benchmark {

std::string self_test_key(const Toolchain& toolchain, Language language) {
  static const std::uint64_t program = hash_of_file("/proc/self/exe");
  ::utsname system{};
  ::uname(&system);
  const std::string text =
      fmt::format("{:016x}\n{}\n{}\n{}\n{}\n{}\n{} {} {}\n", program, multipl_moe::name_of(language),
                  toolchain.version(language), toolchain.limits_text(language), toolchain.sandbox().way(), ::geteuid(),
                  system.release, system.version, system.machine);
  return fmt::format("{:016x}{:016x}", hash_of(text), hash_of(text, 1));
}

PassedSelfTests::PassedSelfTests(const std::filesystem::path& cache)
    : folder_(cache.empty() ? cache : cache / "self_tests") {}

std::optional<std::string> PassedSelfTests::find(const std::string& key) const {
  const std::filesystem::path file = folder_ / (key + ".json");
  if (folder_.empty() || !is_there(file)) return std::nullopt;
  constexpr std::uint64_t largest = 1 << 10;
  try {
    const nlohmann::json json = parse_strict_json(read_whole_file(file, largest));
    if (json.is_object() && json.contains("passed") && json["passed"].is_string()) return json["passed"];
  } catch (const FileError&) {
  } catch (const JsonFault&) {
  }
  return std::nullopt;
}

void PassedSelfTests::store(const std::string& key) const {
  if (folder_.empty()) return;
  create_folders(folder_);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  write_shared_file(folder_ / (key + ".json"),
                    nlohmann::json{{"passed", fmt::format("{:%Y-%m-%d %H:%M} UTC", now)}}.dump() + "\n");
}

}  // namespace multipl_moe::benchmark
