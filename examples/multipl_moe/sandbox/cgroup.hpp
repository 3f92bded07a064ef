/// Control groups of version 1 and 2, which limit the memory and the number of all processes of a job together.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/sandbox/limits.hpp"
#include "multipl_moe/sandbox/slot.hpp"

namespace multipl_moe::sandbox {

/// How the folder of a group is made and removed. The kernel fills it with files, and removes them with it; the tests
/// have functions that do what a kernel does, in an ordinary folder.
struct GroupFolders {
  int (*make)(const char* path, ::mode_t mode) = ::mkdir;
  int (*remove)(const char* path) = ::rmdir;
};

/// A folder in which groups can be created.
struct GroupPlace {
  std::filesystem::path folder;
  int version = 2;
  bool memory = false, processes = false;  ///< what its groups limit
  GroupFolders folders{};
};

/// Where this process could create groups, best first, according to the texts of /proc/self/mountinfo and
/// /proc/self/cgroup. Version 1: the process's own group of each controller. Version 2: its own group and the parent,
/// since a group with processes has no controllers for its children.
std::vector<GroupPlace> possible_places(std::string_view mountinfo, std::string_view own_groups);

/// Those of the possible places whose groups really can be created and limited, at most one for memory and one for
/// processes; empty if the memory of a group cannot be limited. In version 2, a place limits what its
/// cgroup.subtree_control lists.
std::vector<GroupPlace> usable_places(const std::vector<GroupPlace>& possible, const std::string& name);

/// Removes the groups of killed runs from the possible places. `own`: this run's slots.
void remove_left_groups(const std::vector<GroupPlace>& places, const std::vector<SlotLock>& own);

/// The groups of one job, one in each place. They are removed with this object.
class JobGroup {
 public:
  /// No groups.
  JobGroup() = default;
  /// Creates the groups, without the processes that a killed run has left in groups of this name.
  /// Throws IoError.
  JobGroup(const std::vector<GroupPlace>& places, const std::string& name, const Limits& limits);
  JobGroup(JobGroup&&) = default;
  JobGroup& operator=(JobGroup&&) = delete;
  ~JobGroup();

  /// Files to which a process writes "0" to enter.
  const std::vector<Descriptor>& entrances() const noexcept { return entrances_; }
  bool limits_memory() const noexcept { return memory_version_ != 0; }
  /// Bytes in use; 0 without a memory group.
  std::int64_t memory_bytes() const;
  /// The most bytes that were in use; 0 if the kernel does not report it.
  std::int64_t peak_bytes() const;
  /// Whether the kernel has killed a process of the group for its memory.
  bool ran_out() const;

 private:
  struct Made {
    std::filesystem::path folder;
    GroupFolders folders;
  };
  std::vector<Made> groups_;
  std::filesystem::path memory_;  // the folder that limits memory
  int memory_version_ = 0;
  std::vector<Descriptor> entrances_;
};

/// Kills the processes of a group, at once where the kernel has cgroup.kill (Linux 5.14), and removes it; does nothing
/// if there is none. Returns false if the group stays.
bool remove_group(const std::filesystem::path& folder, const GroupFolders& folders = {});

}  // namespace multipl_moe::sandbox
