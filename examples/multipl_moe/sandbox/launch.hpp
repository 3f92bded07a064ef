/// Starts a program with limits, another user and only the descriptors that it is meant to have.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/sandbox/limits.hpp"

namespace multipl_moe::sandbox {

struct Launch {
  std::vector<std::string> command;      ///< the first word is the path of the program
  std::vector<std::string> environment;  ///< NAME=value; nothing else is inherited
  std::filesystem::path folder;          ///< the working directory; empty: that of this process
  std::vector<int> descriptors;          ///< become 0, 1, 2 ...; all others are closed
  std::vector<ResourceLimit> limits;
  std::optional<::uid_t> user;  ///< user and group, without further groups; needs root
  std::vector<int> entrances;   ///< of control groups
  /// Files and folders that the program sees as staged_path(0), staged_path(1) ..., although its user could not reach
  /// them where they are. Needs root.
  std::vector<std::filesystem::path> staged;
};

/// Where a program finds the staged file or folder of that number.
std::string staged_path(std::size_t number);

/// Starts a program as the leader of a new session; it is killed when the calling thread ends, and is the first to be
/// killed if the machine runs out of memory. Memory is not copied, so that this is fast in a process of any size.
/// Throws Failure.
::pid_t launch(const Launch& launch);

/// A descriptor that is closed when a program starts. Throws IoError.
Descriptor open_file(const std::filesystem::path& path, int flags);

/// Two connected descriptors, closed when a program starts.
struct Channel {
  Descriptor ours, theirs;
};

/// A pipe that the program writes and this process reads without waiting. Throws Failure.
Channel output_channel();
/// A pair of local sockets. Throws Failure.
Channel two_way_channel();

/// The wait status of a child that has ended, with its processor time and that of its ended children in seconds.
/// Empty if it is not a child of this process.
struct Ended {
  int status = 0;
  double cpu_seconds = 0;
  std::int64_t largest_bytes = 0;  ///< of a single process
};
std::optional<Ended> wait_for_end(::pid_t child);

/// A descriptor that becomes readable when the process has ended. Throws Failure.
Descriptor process_descriptor(::pid_t process);

}  // namespace multipl_moe::sandbox
