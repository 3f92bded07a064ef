#include "multipl_moe/sandbox/cgroup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/launch.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"

namespace multipl_moe::sandbox {

namespace fs = std::filesystem;

namespace {

/// The bubblewrap processes outside and inside the namespace.
constexpr int own_processes = 2;

void write_text(const fs::path& file, const std::string& text) {
  const Descriptor open = open_file(file, O_WRONLY);
  if (::write(open.number(), text.data(), text.size()) != static_cast<::ssize_t>(text.size()))
    throw IoError(file, "write", errno);
}

void write_text_if_there(const fs::path& file, const std::string& text) {
  if (is_there(file)) write_text(file, text);
}

/// The group's folder: the mount shows the tree below `root`.
fs::path below(const fs::path& mount, std::string_view root, std::string_view group) {
  const fs::path own = fs::path(group).relative_path(), top = fs::path(root).relative_path();
  const auto [of_top, of_own] = std::mismatch(top.begin(), top.end(), own.begin(), own.end());
  // The mount of a container shows the container's own group; one with .. is outside of what this process can see.
  if (of_top != top.end() || group.find("/..") != group.npos) return mount;
  fs::path folder = mount;
  for (auto part = of_own; part != own.end(); ++part) folder /= *part;
  return folder;
}

/// mountinfo writes a space as \040.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ec == std::errc()) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool lists(std::string_view names, std::string_view name) {
  for (const std::string_view each : split(names, ','))
    if (each == name) return true;
  return false;
}

/// The path of this process's group for a controller; empty controller: version 2.
std::optional<std::string_view> group_of(std::string_view own_groups, std::string_view controller) {
  for (const std::string_view line : split(own_groups, '\n')) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : lists(controllers, controller)) return line.substr(second + 1);
  }
  return std::nullopt;
}

void set_limits(const fs::path& folder, const GroupPlace& place, const Limits& limits) {
  if (place.memory && place.version == 1) {
    write_text(folder / "memory.limit_in_bytes", std::to_string(limits.memory_bytes));
    write_text_if_there(folder / "memory.memsw.limit_in_bytes", std::to_string(limits.memory_bytes));
  } else if (place.memory) {
    write_text(folder / "memory.max", std::to_string(limits.memory_bytes));
    write_text_if_there(folder / "memory.swap.max", "0");
    write_text_if_there(folder / "memory.oom.group", "1");
  }
  if (place.processes) write_text(folder / "pids.max", std::to_string(limits.processes + own_processes));
}

void create_group(const fs::path& folder, const GroupFolders& folders) {
  constexpr ::mode_t mode = 0755;
  if (folders.make(folder.c_str(), mode) == 0) return;
  if (errno != EEXIST) throw IoError(folder, "create", errno);
  if (!remove_group(folder, folders)) throw IoError(folder, "remove", EBUSY);
  if (folders.make(folder.c_str(), mode) != 0) throw IoError(folder, "create", errno);
}

bool can_be_used(const GroupPlace& place, const std::string& name) {
  const fs::path folder = place.folder / name;
  try {
    create_group(folder, place.folders);
    set_limits(folder, place, Limits{});
  } catch (const IoError&) {
    remove_group(folder, place.folders);
    return false;
  }
  const bool may_enter = ::access((folder / "cgroup.procs").c_str(), W_OK) == 0;
  return remove_group(folder, place.folders) && may_enter;
}

/// In version 2, a group has the files of the controllers that the group above it has enabled for its children.
GroupPlace with_enabled_controllers(GroupPlace place) {
  if (place.version == 1) return place;
  std::string enabled = proc_text(place.folder / "cgroup.subtree_control");
  std::replace(enabled.begin(), enabled.end(), '\n', ' ');
  const std::vector<std::string_view> names = split(enabled, ' ');
  const auto has = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  place.memory = place.memory && has("memory");
  place.processes = place.processes && has("pids");
  return place;
}

bool kill_all(const fs::path& folder) {
  const Descriptor file(::open((folder / "cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  return file.number() >= 0 && ::write(file.number(), "1", 1) == 1;
}

void kill_each(const fs::path& folder) {
  const std::string processes = proc_text(folder / "cgroup.procs");
  for (const std::string_view line : split(processes, '\n'))
    if (const std::int64_t process = first_number(line); process > 0) ::kill(static_cast<::pid_t>(process), SIGKILL);
}

}  // namespace

std::vector<GroupPlace> possible_places(std::string_view mountinfo, std::string_view own_groups) {
  std::vector<GroupPlace> places;
  for (const std::string_view line : split(mountinfo, '\n')) {
    // "36 35 98:0 /root /mount options ... - type source super-options"
    const std::vector<std::string_view> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const std::string root = unescaped(words[3]);
    const fs::path mount = unescaped(words[4]);
    if (dash[1] == "cgroup") {
      for (const std::string_view controller : {"memory", "pids"}) {
        const auto group = lists(dash[3], controller) ? group_of(own_groups, controller) : std::nullopt;
        if (!group) continue;
        const bool memory = controller == "memory";
        places.push_back({below(mount, root, *group), 1, memory, !memory});
      }
    } else if (dash[1] == "cgroup2") {
      const auto group = group_of(own_groups, "");
      if (!group) continue;
      const fs::path folder = below(mount, root, *group);
      places.push_back({folder, 2, true, true});
      if (folder != mount) places.push_back({folder.parent_path(), 2, true, true});
    }
  }
  return places;
}

std::vector<GroupPlace> usable_places(const std::vector<GroupPlace>& possible, const std::string& name) {
  std::vector<GroupPlace> usable;
  const auto limited = [&](bool GroupPlace::*what) {
    return std::any_of(usable.begin(), usable.end(), [&](const GroupPlace& place) { return place.*what; });
  };
  for (const GroupPlace& one : possible) {
    GroupPlace place = with_enabled_controllers(one);
    place.memory = place.memory && !limited(&GroupPlace::memory);
    place.processes = place.processes && !limited(&GroupPlace::processes);
    if ((place.memory || place.processes) && can_be_used(place, name)) usable.push_back(place);
  }
  if (!limited(&GroupPlace::memory)) return {};
  return usable;
}

void remove_left_groups(const std::vector<GroupPlace>& places, const std::vector<SlotLock>& own) {
  for (const GroupPlace& place : places) {
    std::error_code failed;
    std::vector<fs::path> left;
    for (const fs::directory_entry& entry : fs::directory_iterator(place.folder, failed))
      if (is_left(entry.path().filename(), own)) left.push_back(entry.path());
    for (const fs::path& folder : left) remove_group(folder, place.folders);
  }
}

JobGroup::JobGroup(const std::vector<GroupPlace>& places, const std::string& name, const Limits& limits) {
  try {
    for (const GroupPlace& place : places) {
      const fs::path folder = place.folder / name;
      create_group(folder, place.folders);
      groups_.push_back({folder, place.folders});
      set_limits(folder, place, limits);
      if (place.memory) {
        memory_ = folder;
        memory_version_ = place.version;
      }
      entrances_.push_back(open_file(folder / "cgroup.procs", O_WRONLY));
    }
  } catch (...) {
    for (const Made& made : groups_) remove_group(made.folder, made.folders);
    throw;
  }
}

JobGroup::~JobGroup() {
  for (const Made& made : groups_) remove_group(made.folder, made.folders);
}

std::int64_t JobGroup::memory_bytes() const {
  if (memory_version_ == 0) return 0;
  return first_number(proc_text(memory_ / (memory_version_ == 1 ? "memory.usage_in_bytes" : "memory.current")));
}

std::int64_t JobGroup::peak_bytes() const {
  if (memory_version_ == 0) return 0;
  return first_number(proc_text(memory_ / (memory_version_ == 1 ? "memory.max_usage_in_bytes" : "memory.peak")));
}

bool JobGroup::ran_out() const {
  if (memory_version_ == 0) return false;
  return number_after(proc_text(memory_ / (memory_version_ == 1 ? "memory.oom_control" : "memory.events")),
                      "oom_kill") > 0;
}

bool remove_group(const fs::path& folder, const GroupFolders& folders) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (folders.remove(folder.c_str()) != 0) {
    if (errno == ENOENT) return true;
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) return false;
    if (!kill_all(folder)) kill_each(folder);
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace multipl_moe::sandbox
