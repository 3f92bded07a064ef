/// Prepares the compilers and interpreters of the six languages, and runs programs with them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "multipl_moe/benchmark/end_marker.hpp"
#include "multipl_moe/benchmark/program_steps.hpp"
#include "multipl_moe/benchmark/result.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"
#include "multipl_moe/sandbox/temporary_folder.hpp"

namespace multipl_moe::benchmark {

struct ExecutionSettings {
  sandbox::Mode mode = sandbox::Mode::bubblewrap;
  Protocol protocol = Protocol::multipl_e;
  double timeout_scale = 1;              ///< factor of every time limit
  std::function<bool()> is_cancelled{};  ///< asked while programs run; true ends them with sandbox::Cancelled
};

/// Runs programs in a sandbox. A program that ends without an error has passed only if its EndMarker was printed.
class Toolchain {
 public:
  /// Finds out the versions and compiles the wrappers, in the slots 0 .. jobs - 1; each language must be
  /// is_installed(). Go's build cache is filled in `cache`, or in a temporary folder if it is empty. Throws Failure,
  /// with the packages, if a program does not work.
  Toolchain(const sandbox::Sandbox& sandbox, const ExecutionSettings& settings, const std::set<Language>& languages,
            const std::filesystem::path& cache, int jobs = 1);

  const sandbox::Sandbox& sandbox() const { return sandbox_; }
  const std::set<Language>& languages() const { return languages_; }
  const ExecutionSettings& settings() const { return settings_; }
  /// What a result depends on, such as "rustc 1.63.0; cc (Debian 12.2.0-14) 12.2.0".
  const std::string& version(Language language) const { return versions_.at(language); }
  /// Describes the time limits, for the results: "15 s + 15 s".
  std::string limits_text(Language language) const;

  /// Compiles and runs a program in a slot of the sandbox. `cpu_seconds`: a lower limit for each step; 0: the
  /// protocol's.
  Result run(Language language, std::string_view program, int slot, double cpu_seconds = 0) const;

 private:
  std::vector<Step> steps_of(Language language) const;
  sandbox::Outcome run_step(const Step& step, const std::filesystem::path& folder, int slot, const EndMarker* marker,
                            double cpu_seconds) const;
  bool is_bad_ruby(const std::filesystem::path& folder, int slot) const;
  /// The version, and what the language needs beside its program.
  void prepare(Language language, const std::filesystem::path& cache, int slot);
  std::string find_version(Language language, int slot) const;
  void fill_go_cache(const std::filesystem::path& cache, int slot);
  /// Makes SupportFolders::javac_archive, if javac can.
  void archive_javac(const std::filesystem::path& cache, int slot);
  /// Where something that is made once is kept: in `cache`, or in a temporary folder if it is empty.
  std::filesystem::path place_of(const std::filesystem::path& cache, const std::string& name) const;
  /// Moves a file or folder to its place. Throws IoError.
  static void move_to(const std::filesystem::path& place, const std::filesystem::path& made);
  /// Runs a command of ours in a folder that it may write to.
  sandbox::Outcome try_own(const std::filesystem::path& folder, const std::vector<std::string>& command,
                           const std::vector<std::string>& environment, int slot) const;
  /// The same; throws Failure unless it succeeds.
  void run_own(const std::filesystem::path& folder, const std::vector<std::string>& command,
               const std::vector<std::string>& environment, Language language, int slot) const;

  const sandbox::Sandbox& sandbox_;
  ExecutionSettings settings_;
  std::set<Language> languages_;
  sandbox::TemporaryFolder work_;
  SupportFolders support_;
  std::map<Language, std::string> versions_;
};

}  // namespace multipl_moe::benchmark
