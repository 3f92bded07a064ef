#include "multipl_moe/benchmark/result_cache.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/shared_file.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::benchmark {

std::string program_hash(std::string_view program) { return fmt::format("{:016x}", hash_of(program)); }

std::string cache_key(const Toolchain& toolchain, Language language, std::string_view program) {
  constexpr int version = 1;  // of the classes and the way in which programs are run
  const bool is_isolated = toolchain.settings().mode == sandbox::Mode::bubblewrap;
  ::utsname system{};
  ::uname(&system);
  std::string text = fmt::format("{}\n{:016x}\n{}\n{}\n{}\n{}\n{}\n", version, wrappers_hash(), system.machine,
                                 multipl_moe::name_of(language), toolchain.version(language),
                                 toolchain.limits_text(language), is_isolated);
  text += program;
  // 128 bits, since a key that two programs share would give one of them the other's result.
  return fmt::format("{:016x}{:016x}", hash_of(text), hash_of(text, 1));
}

std::filesystem::path ResultCache::file_of(const std::string& key) const {
  return folder_ / "results" / key.substr(0, 2) / (key.substr(2) + ".json");
}

std::optional<Result> ResultCache::find(const std::string& key) const {
  if (folder_.empty() || !is_there(file_of(key))) return std::nullopt;
  constexpr std::uint64_t largest = 1 << 20;
  try {
    return result_of(parse_strict_json(read_whole_file(file_of(key), largest)));
  } catch (const FileError&) {
    return std::nullopt;
  } catch (const JsonFault&) {
    return std::nullopt;
  }
}

void ResultCache::store(const std::string& key, const Result& result) const {
  const bool is_lasting =
      result.status == Status::ok || result.status == Status::syntax_error || result.status == Status::exception;
  if (folder_.empty() || !is_lasting) return;
  create_folders(file_of(key).parent_path());
  write_shared_file(file_of(key), to_json(result).dump());
}

}  // namespace multipl_moe::benchmark
