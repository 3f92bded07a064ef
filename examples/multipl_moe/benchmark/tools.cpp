#include "multipl_moe/benchmark/tools.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace multipl_moe::benchmark {

namespace fs = std::filesystem;

const Tool& tool_of(Language language) {
  static const std::vector<Tool> all{
      {"program.py", {"/usr/bin/python3"}, {}, {{"python3", "--version"}}, "python3", 0, 15},
      {"Problem.java",
       {"/usr/bin/javac", "/usr/bin/java"},
       {javatuples},
       {{"javac", "-version"}, {"java", "-version"}},
       "openjdk-17-jdk-headless libjavatuples-java",
       15,
       15},
      {"program.cpp", {"/usr/bin/g++", "/usr/bin/cc"}, {}, {{"g++", "--version"}}, "g++", 15, 15},
      {"program.rs",
       {"/usr/bin/rustc", "/usr/bin/cc"},
       {},
       {{"rustc", "--version"}, {"cc", "--version"}},
       "rustc libstd-rust-dev",
       15,
       5},
      {"program_test.go", {"/usr/bin/go"}, {}, {{"go", "version"}}, "golang-go", 0, 30},
      {"program.rb",
       {"/usr/bin/ruby"},
       {},
       {{"ruby", "--version"}, {"ruby", "-rtest/unit/version", "-e", "puts 'test-unit ' + Test::Unit::VERSION"}},
       "ruby",
       0,
       5}};
  return all[multipl_moe::index_of(language)];
}

bool is_installed(Language language, const fs::path& root) {
  const Tool& tool = tool_of(language);
  const auto is_usable = [&](const char* file, int access) {
    const fs::path path = root / fs::path(file).relative_path();
    std::error_code failed;
    return fs::is_regular_file(path, failed) && ::access(path.c_str(), access) == 0;
  };
  return std::all_of(tool.programs.begin(), tool.programs.end(),
                     [&](const char* file) { return is_usable(file, X_OK); }) &&
         std::all_of(tool.libraries.begin(), tool.libraries.end(),
                     [&](const char* file) { return is_usable(file, R_OK); });
}

std::string missing_packages(const std::set<Language>& languages, const fs::path& root) {
  std::string packages;
  for (const Language language : languages)
    if (!is_installed(language, root))
      packages += fmt::format("{}{}", packages.empty() ? "" : " ", tool_of(language).packages);
  return packages;
}

}  // namespace multipl_moe::benchmark
