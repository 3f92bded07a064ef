/// The compilers and interpreters of the six languages, and how a program is run with them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "multipl_moe/benchmark/result.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"
#include "multipl_moe/sandbox/temporary_folder.hpp"

namespace multipl_moe::benchmark {

/// The time limits: those of MultiPL-E's scripts, or 5 s for every run, since exercises need milliseconds.
enum class Protocol { multipl_e, exercises };
std::string_view name_of(Protocol protocol);
/// "multipl-e" or "exercises". Throws UsageError.
Protocol protocol_named(std::string_view name);

struct ExecutionSettings {
  sandbox::Mode mode = sandbox::Mode::bubblewrap;
  Protocol protocol = Protocol::multipl_e;
  double timeout_scale = 1;              ///< factor of every time limit
  std::function<bool()> is_cancelled{};  ///< asked while programs run; true ends them with sandbox::Cancelled
};

/// The Debian packages of which a program is missing on this machine, in one line; empty if there is none.
std::string missing_packages(const std::set<Language>& languages);

/// Runs programs in a sandbox. A program that ends without an error has passed only if a marker was printed after its
/// last test: appended in Python and Ruby, by a wrapper of main() in C++, Java and Rust, by a further test in Go.
class Toolchain {
 public:
  /// Finds out the versions and compiles the wrappers, in slot 0. Go's build cache is filled in `cache`, or in a
  /// temporary folder if it is empty. Throws Failure, with the packages to install, if a program is missing or does not
  /// work.
  Toolchain(const sandbox::Sandbox& sandbox, const ExecutionSettings& settings, const std::set<Language>& languages,
            const std::filesystem::path& cache);

  const std::set<Language>& languages() const { return languages_; }
  const ExecutionSettings& settings() const { return settings_; }
  /// Such as "g++ (Debian 12.2.0-14) 12.2.0".
  const std::string& version(Language language) const { return versions_.at(language); }
  /// Describes the time limits, for the results: "15 s + 15 s".
  std::string limits_text(Language language) const;
  /// A hash of what is added to programs.
  static std::uint64_t wrappers_hash();

  /// Compiles and runs a program in a slot of the sandbox. `cpu_seconds`: a lower limit for each step; 0: the
  /// protocol's.
  Result run(Language language, std::string_view program, int slot, double cpu_seconds = 0) const;

 private:
  struct Step;

  std::vector<Step> steps_of(Language language) const;
  sandbox::Outcome run_step(const Step& step, const std::filesystem::path& folder, int slot, const std::string& marker,
                            double cpu_seconds) const;
  bool is_bad_ruby(const std::filesystem::path& folder, int slot) const;
  void find_versions();
  void make_support();
  void fill_go_cache(const std::filesystem::path& cache);
  void run_own(const std::filesystem::path& folder, const std::vector<std::string>& command,
               const std::vector<std::string>& environment, Language language) const;

  const sandbox::Sandbox& sandbox_;
  ExecutionSettings settings_;
  std::set<Language> languages_;
  sandbox::TemporaryFolder work_;
  std::filesystem::path support_, go_cache_;
  std::map<Language, std::string> versions_;
};

}  // namespace multipl_moe::benchmark
