/// The command line that runs a job in bubblewrap.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe::sandbox {

/// How this machine isolates programs.
struct Isolation {
  std::filesystem::path bubblewrap;
  std::string version;                    ///< of bubblewrap, such as "0.8.0"
  bool user_namespace = true;             ///< false: only root can start it
  std::vector<std::string> system_binds;  ///< of system_binds()
};

/// The descriptors of a process in which bubblewrap starts.
enum StartDescriptor : int { gate_descriptor = 3, status_descriptor, filter_descriptor };

/// The user and group in the sandbox of a user namespace.
inline constexpr ::uid_t user_in_namespace = 65534;

/// The arguments that show the system's programs and libraries below `root` ("/"; the tests have another one): /usr,
/// the folders or links beside it, and what compilers need of /etc.
std::vector<std::string> system_binds(const std::filesystem::path& root);

/// What bwrap binds besides the system: the job's folder, if it has one, then Job::read_only.
std::vector<Bind> binds_of(const Job& job);

/// The first word is the path of bubblewrap. `binds` are binds_of(job), with the paths where bubblewrap finds them.
/// `name` is unique to the slot and is found in the list of processes. `user` is the slot's user if there is no user
/// namespace. When everything is set up, a line is written to gate_descriptor; the job starts after a line has come
/// back, and does not start if that descriptor is closed.
std::vector<std::string> bubblewrap_command(const Isolation& isolation, const Job& job, const std::vector<Bind>& binds,
                                            const std::string& name, ::uid_t user);

/// The environment of every program: PATH, HOME, LC_ALL, then that of the job.
std::vector<std::string> environment_of(const Job& job);

/// `text` with the paths of binds, where they are whole or followed by a slash, replaced by those of this machine.
std::string with_own_paths(std::string text, const std::vector<Bind>& binds);

/// Throws UsageError unless the job can be started as it is described.
void require_valid(const Job& job);

}  // namespace multipl_moe::sandbox
