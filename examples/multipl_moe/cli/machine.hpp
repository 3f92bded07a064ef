/// What `doctor` reports: how the program was built, and the machine that it runs on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/cuda/devices.hpp"

namespace multipl_moe {

struct Machine {
  std::string version, compiler;
  std::vector<std::pair<std::string, std::string>> libraries;  ///< name and version
  std::string matrix_products;                                 ///< what computes them
  std::string instruction_set;                                 ///< of the layers' kernels, see MOE_CPU
  std::vector<std::string> instruction_sets;                   ///< those that MOE_CPU may name on this CPU
  std::string mpi;  ///< that starts several processes; empty: built without
  Gpus gpus;
  std::string cpu;
  std::vector<std::string> vector_instructions;  ///< of the CPU
  std::vector<std::string> compiled_for;         ///< vector instructions that the program requires
  int threads = 0;
  std::int64_t memory_bytes = 0, memory_free_bytes = 0;  ///< 0: unknown
  std::filesystem::path folder;                          ///< the current folder
  std::int64_t disk_free_bytes = 0;
  bool folder_writable = false;
  std::optional<std::filesystem::path> gnuplot;
  std::string sandbox;           ///< how generated programs are isolated; empty: they cannot be
  std::string lacks_of_sandbox;  ///< why they cannot be isolated, and what would allow it
};

/// Queries the system. Throws IoError if the current folder or its free space cannot be found.
Machine this_machine();

/// Something missing that a command needs or could use.
struct Lack {
  std::string what, how_to_get_it;
  bool needed = false;  ///< no command that computes or writes works without it
};
std::vector<Lack> lacks_of(const Machine& machine);

std::string machine_text(const Machine& machine);
std::string machine_json(const Machine& machine);

}  // namespace multipl_moe
