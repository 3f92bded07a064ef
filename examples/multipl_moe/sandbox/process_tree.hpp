/// What a process and its descendants use, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace multipl_moe::sandbox {

/// `root` and its descendants. In a PID namespace whose first process is `root`, these are all of its processes.
std::vector<::pid_t> process_tree(::pid_t root);

/// Processor time in clock ticks according to the text of /proc/<pid>/stat, that of ended children included.
std::int64_t processor_ticks(std::string_view stat);

/// Seconds of processor time of these processes and their ended children.
double cpu_seconds_of(const std::vector<::pid_t>& processes);

/// Bytes of a process's own pages, in memory or swapped out, with its page tables: the text of /proc/<pid>/status.
/// Pages that a process shares with its parent after a fork count for both.
std::int64_t own_bytes(std::string_view status);

/// Adds up the sizes of the shared anonymous mappings in the text of /proc/<pid>/maps that are not in `seen`, and adds
/// them to it. Such memory can be in use although no process has a page of it.
std::int64_t shared_bytes(std::string_view maps, std::set<std::int64_t>& seen);

/// An upper bound of the memory that a job uses, for machines without a memory cgroup: the processes' pages, shared
/// memory, the files in the namespace's /tmp and /dev/shm, and the buffers of its sockets. `isolated`: the first
/// process is the first of a sandbox's PID namespace. `exact`: pages that processes share count once, which takes the
/// kernel milliseconds for each gibibyte; otherwise they count for each process.
std::int64_t memory_bytes(const std::vector<::pid_t>& processes, bool isolated, bool exact);

}  // namespace multipl_moe::sandbox
