#include "multipl_moe/sandbox/process_tree.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>

#include "multipl_moe/sandbox/proc_text.hpp"

namespace multipl_moe::sandbox {

namespace {

/// The kernel's memory for an empty file, roughly.
constexpr std::int64_t bytes_of_inode = 1536;

/// The largest amount of unread data that a local socket can hold: twice the default of net.core.wmem_max.
constexpr std::int64_t bytes_of_socket = 2 * 212992;

std::string text_of_process(::pid_t process, std::string_view name) {
  return proc_text(fmt::format("/proc/{}/{}", process, name));
}

std::int64_t file_system_bytes(const std::string& path) {
  struct ::statvfs found {};
  if (::statvfs(path.c_str(), &found) != 0) return 0;
  return static_cast<std::int64_t>((found.f_blocks - found.f_bfree) * found.f_frsize) +
         static_cast<std::int64_t>(found.f_files - found.f_ffree) * bytes_of_inode;
}

std::int64_t proportional_bytes(::pid_t process) {
  const std::string rollup = text_of_process(process, "smaps_rollup");
  return 1024 * (number_after(rollup, "Pss_Anon") + number_after(rollup, "SwapPss") +
                 number_after(text_of_process(process, "status"), "VmPTE"));
}

}  // namespace

std::vector<::pid_t> process_tree(::pid_t root) {
  std::vector<::pid_t> processes{root};
  for (std::size_t i = 0; i < processes.size(); ++i) {
    std::error_code ended;
    std::filesystem::directory_iterator threads(fmt::format("/proc/{}/task", processes[i]), ended);
    for (; !ended && threads != std::filesystem::directory_iterator(); threads.increment(ended)) {
      const std::string children = proc_text(threads->path() / "children");
      for (const std::string_view child : split(children, ' '))
        processes.push_back(static_cast<::pid_t>(first_number(child)));
    }
  }
  return processes;
}

std::int64_t processor_ticks(std::string_view stat) {
  // The second field is the program's name in parentheses, which may contain both blanks and parentheses.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == stat.npos) return 0;
  const std::vector<std::string_view> fields = split(stat.substr(name_end + 1), ' ');
  std::int64_t ticks = 0;
  // Fields 14 to 17: in user mode and in the kernel, of the process and of its ended children.
  for (std::size_t i = 11; i <= 14 && i < fields.size(); ++i) ticks += first_number(fields[i]);
  return ticks;
}

double cpu_seconds_of(const std::vector<::pid_t>& processes) {
  std::int64_t ticks = 0;
  for (const ::pid_t process : processes) ticks += processor_ticks(text_of_process(process, "stat"));
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::int64_t own_bytes(std::string_view status) {
  return 1024 * (number_after(status, "RssAnon") + number_after(status, "VmSwap") + number_after(status, "VmPTE"));
}

std::int64_t shared_bytes(std::string_view maps, std::set<std::int64_t>& seen) {
  std::int64_t bytes = 0;
  for (const std::string_view line : split(maps, '\n')) {
    // "7f0000000000-7f0000001000 rw-s 00000000 00:01 4711 /dev/zero (deleted)"
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() < 6 || words[1].size() < 4 || words[1][3] != 's' || words[5] != "/dev/zero") continue;
    if (!seen.insert(first_number(words[4])).second) continue;
    const char* const end = words[0].data() + words[0].size();
    std::uint64_t from = 0, to = 0;
    const auto first = std::from_chars(words[0].data(), end, from, 16);
    if (first.ptr == end) continue;
    std::from_chars(first.ptr + 1, end, to, 16);
    bytes += static_cast<std::int64_t>(to - from);
  }
  return bytes;
}

std::int64_t memory_bytes(const std::vector<::pid_t>& processes, bool isolated, bool exact) {
  std::int64_t bytes = 0;
  std::set<std::int64_t> seen;
  for (const ::pid_t process : processes) {
    bytes += exact ? proportional_bytes(process) : own_bytes(text_of_process(process, "status"));
    bytes += shared_bytes(text_of_process(process, "maps"), seen);
  }
  if (isolated) {
    const std::string first = fmt::format("/proc/{}/", processes.front());
    bytes += file_system_bytes(first + "root/tmp") + file_system_bytes(first + "root/dev/shm");
    const std::string sockets = proc_text(first + "net/unix");
    const auto lines = std::count(sockets.begin(), sockets.end(), '\n');
    bytes += bytes_of_socket * std::max<std::int64_t>(lines - 1, 0);  // after a line of headings
  }
  return bytes;
}

}  // namespace multipl_moe::sandbox
