#include "multipl_moe/sandbox/slot.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <thread>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "multipl_moe/sandbox/user_ids.hpp"

namespace multipl_moe::sandbox {

namespace {

/// A slot's number is added to the first user ID.
constexpr int most_numbers = most_users;

/// A local socket whose name is not a file. The kernel gives the name free when the process ends.
Descriptor bound_to(const std::string& name) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), std::min(name.size(), sizeof address.sun_path - 1));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + 1 + name.size());
  if (socket.number() >= 0 && ::bind(socket.number(), reinterpret_cast<const ::sockaddr*>(&address), size) != 0)
    return Descriptor();
  return socket;
}

std::string prefix() { return fmt::format("moelayers-sandbox-{}-", ::geteuid()); }

/// The first process of a sandbox has bubblewrap's command line, with the slot's name as one of its words. Empty for
/// other processes.
std::string slot_of(const std::filesystem::path& process) {
  const std::string line = proc_text(process / "cmdline");
  const std::vector<std::string_view> words = split(line, '\0');
  if (words.empty() || !words.front().ends_with("bwrap")) return "";
  const std::string start = prefix();
  const auto name =
      std::find_if(words.begin(), words.end(), [&](std::string_view word) { return word.starts_with(start); });
  return name == words.end() ? "" : std::string(*name);
}

std::vector<::pid_t> processes_left(const std::vector<SlotLock>& own) {
  std::vector<::pid_t> found;
  std::error_code ended;
  std::filesystem::directory_iterator processes("/proc", ended);
  for (; !ended && processes != std::filesystem::directory_iterator(); processes.increment(ended)) {
    const auto number = first_number(processes->path().filename().native());
    const std::string name = number > 0 ? slot_of(processes->path()) : "";
    if (!name.empty() && is_left(name, own)) found.push_back(static_cast<::pid_t>(number));
  }
  return found;
}

/// Folders of others are not touched: every user can create any name there.
void remove_folders_left(const std::vector<SlotLock>& own) {
  std::error_code failed;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path(failed), failed)) {
    const std::string name = entry.path().filename();
    struct stat status {};
    if (is_left(name.substr(0, name.rfind('.')), own) && ::lstat(entry.path().c_str(), &status) == 0 &&
        S_ISDIR(status.st_mode) && status.st_uid == ::geteuid())
      left.push_back(entry.path());
  }
  for (const std::filesystem::path& folder : left) std::filesystem::remove_all(folder, failed);
}

}  // namespace

std::vector<SlotLock> lock_slots(int count) {
  std::vector<SlotLock> slots;
  for (int number = 0; number < most_numbers && static_cast<int>(slots.size()) < count; ++number) {
    std::string name = prefix() + std::to_string(number);
    Descriptor held = bound_to(name);
    if (held.number() >= 0) slots.push_back({number, std::move(name), std::move(held)});
  }
  if (static_cast<int>(slots.size()) < count)
    throw Failure(
        fmt::format("[sandbox] {} jobs at a time need {} free slots, found {} of {}; end other evaluations "
                    "first",
                    count, count, slots.size(), most_numbers));
  return slots;
}

bool is_left(const std::string& name, const std::vector<SlotLock>& own) {
  const bool is_own = std::any_of(own.begin(), own.end(), [&](const SlotLock& slot) { return slot.name == name; });
  return is_own || (name.starts_with(prefix()) && bound_to(name).number() >= 0);
}

void end_leftovers(const std::vector<SlotLock>& own) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  for (;;) {
    const std::vector<::pid_t> left = processes_left(own);
    if (left.empty()) return remove_folders_left(own);
    for (const ::pid_t process : left) ::kill(process, SIGKILL);
    if (std::chrono::steady_clock::now() > deadline)
      throw Failure(fmt::format(
          "[sandbox] process {}, which an earlier run has left, does not end; restart the machine", left.front()));
    std::this_thread::sleep_for(5ms);
  }
}

}  // namespace multipl_moe::sandbox
