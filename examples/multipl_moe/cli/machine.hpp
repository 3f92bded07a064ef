/// What the program was made of and what it runs on: the doctor's findings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace multipl_moe {

struct Machine {
  std::string version, compiler;
  std::vector<std::pair<std::string, std::string>> libraries;  ///< name and version
  std::string matrix_products;                                 ///< who computes them
  std::string cuda;                                            ///< "none" where the program was made without
  std::string cpu;
  std::vector<std::string> vector_instructions;  ///< of the CPU
  std::vector<std::string> compiled_for;         ///< vector instructions without which the program does not run
  int threads = 0;
  std::int64_t memory_bytes = 0, memory_free_bytes = 0;  ///< 0: the system does not say
  std::filesystem::path folder;                          ///< the current one
  std::int64_t disk_free_bytes = 0;
  bool folder_writable = false;
  std::optional<std::filesystem::path> gnuplot;
};

/// Asks the system. Throws IoError where it does not know the current folder.
Machine this_machine();

/// What a command needs or could use, and is not there.
struct Lack {
  std::string what, how_to_get_it;
  bool needed = false;  ///< no command that computes or writes works without it
};
std::vector<Lack> lacks_of(const Machine& machine);

std::string machine_text(const Machine& machine);
std::string machine_json(const Machine& machine);

}  // namespace multipl_moe
