/// The compilers and interpreters of the six languages: which files of the system they are, and what installs them.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::benchmark {

/// Debian's libjavatuples-java, which every Java prompt of MultiPL-E imports.
inline constexpr const char* javatuples = "/usr/share/java/javatuples.jar";

struct Tool {
  const char* source;                              ///< name of a program's source file
  std::vector<const char*> programs;               ///< their paths
  std::vector<const char*> libraries;              ///< files that programs are compiled with
  std::vector<std::vector<std::string>> versions;  ///< commands whose first lines are the version
  const char* packages;                            ///< of Debian
  double compile_seconds, run_seconds;             ///< limits of MultiPL-E's scripts; 0: not compiled
};
const Tool& tool_of(Language language);

/// Whether all files of the language's tool are there, below `root`.
bool is_installed(Language language, const std::filesystem::path& root = "/");

/// The Debian packages of the languages that are not installed, in one line; empty if all are.
std::string missing_packages(const std::set<Language>& languages, const std::filesystem::path& root = "/");

}  // namespace multipl_moe::benchmark
