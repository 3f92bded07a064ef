#include "multipl_moe/sandbox/running.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "multipl_moe/sandbox/lent_folder.hpp"
#include "multipl_moe/sandbox/process_tree.hpp"

namespace multipl_moe::sandbox {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto time_between_looks = 20ms;

/// A writable folder is measured at every tenth look only, since that reads all of its entries.
constexpr int looks_between_folders = 10;

/// A longer time between two looks means that this process was stopped, which must not count as the job's time.
constexpr auto longest_gap = 1s;

void wait_until_readable(int descriptor) {
  ::pollfd wait{descriptor, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

Running::Running(::pid_t child) : child_(child), first_(child) {
  try {
    ended_ = process_descriptor(child);
  } catch (...) {
    kill();
    wait_for_end(child);
    throw;
  }
}

void Running::set_first_in_namespace(::pid_t first) {
  ended_ = process_descriptor(first);
  first_ = first;
}

Running::~Running() {
  if (has_ended_) return;
  kill();
  wait();
}

void Running::kill() noexcept {
  if (has_ended_) return;
  if (is_isolated())
    ::syscall(SYS_pidfd_send_signal, ended(), SIGKILL, nullptr, 0);
  else
    ::kill(-child_, SIGKILL);
}

Ended Running::wait() {
  wait_until_readable(ended());
  // What has stayed in the process group of a job without isolation.
  if (!is_isolated()) ::kill(-child_, SIGKILL);
  has_ended_ = true;
  Ended all = wait_for_end(child_).value_or(Ended{});
  // bubblewrap ends as soon as the job has, without waiting for the first process, which is then a child of this
  // process.
  const auto first = is_isolated() ? wait_for_end(first_) : std::nullopt;
  if (first) {
    all.cpu_seconds += first->cpu_seconds;
    all.largest_bytes = std::max(all.largest_bytes, first->largest_bytes);
  }
  return all;
}

void Output::read(std::int64_t limit) {
  std::array<char, 65536> part;
  while (is_open) {
    const ::ssize_t read = ::read(from.number(), part.data(), part.size());
    if (read < 0 && errno == EINTR) continue;
    if (read < 0 && errno == EAGAIN) return;
    is_open = read > 0;
    if (read <= 0) return;
    const std::int64_t space = limit + 1 - static_cast<std::int64_t>(text.size());
    text.append(part.data(),
                static_cast<std::size_t>(std::clamp<std::int64_t>(read, 0, std::max<std::int64_t>(space, 0))));
    if (space < read) return;  // a job that writes without end must not keep this process here
  }
}

void Supervision::watch() {
  auto now = Clock::now();
  auto next_look = now + time_between_looks;
  for (bool ended = false; !ended;) {
    std::array<::pollfd, 3> waits{{{running_.ended(), POLLIN, 0},
                                   {out_.is_open ? out_.from.number() : -1, POLLIN, 0},
                                   {err_.is_open ? err_.from.number() : -1, POLLIN, 0}}};
    const auto time_left = std::chrono::ceil<std::chrono::milliseconds>(next_look - Clock::now());
    ::poll(waits.data(), waits.size(), static_cast<int>(std::max(time_left, 0ms).count()));
    ended = waits[0].revents != 0;
    const auto before = std::exchange(now, Clock::now());
    used_.seconds += std::chrono::duration<double>(std::min<Clock::duration>(now - before, longest_gap)).count();
    for (Output* output : {&out_, &err_}) output->read(job_.limits.output_bytes);
    used_.out_bytes = static_cast<std::int64_t>(out_.text.size());
    used_.err_bytes = static_cast<std::int64_t>(err_.text.size());
    if (!ended && now >= next_look) {
      look();
      next_look = now + time_between_looks;
    }
    end_if_exceeded();
  }
  peak_bytes_ = std::max(peak_bytes_, group_.peak_bytes());
}

void Supervision::look() {
  if (!was_cancelled_ && job_.is_cancelled && job_.is_cancelled()) {
    was_cancelled_ = true;
    running_.kill();
  }
  const std::vector<::pid_t> processes = process_tree(running_.first());
  used_.cpu_seconds = std::max(used_.cpu_seconds, cpu_seconds_of(processes));
  look_at_memory(processes);
  if (job_.folder_is_writable && ++looks_ % looks_between_folders == 0) {
    const FolderSize size = size_of_folder(job_.folder);
    used_.folder_bytes = size.bytes;
    used_.folder_entries = size.has_closed_folders ? most_folder_entries + 1 : size.entries;
  }
}

void Supervision::look_at_memory(const std::vector<::pid_t>& processes) {
  if (group_.limits_memory()) {
    peak_bytes_ = std::max(peak_bytes_, group_.memory_bytes());
    if (!exceeded_ && group_.ran_out()) {
      exceeded_ = End::out_of_memory;
      running_.kill();
    }
    return;
  }
  used_.memory_bytes = memory_bytes(processes, running_.is_isolated(), false);
  if (used_.memory_bytes > job_.limits.memory_bytes)
    used_.memory_bytes = memory_bytes(processes, running_.is_isolated(), true);
  peak_bytes_ = std::max(peak_bytes_, used_.memory_bytes);
}

void Supervision::end_if_exceeded() {
  if (exceeded_) return;
  exceeded_ = exceeded_limit(job_.limits, used_);
  if (exceeded_) running_.kill();
}

}  // namespace multipl_moe::sandbox
