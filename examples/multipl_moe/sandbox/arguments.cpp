#include "multipl_moe/sandbox/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <system_error>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::sandbox {

namespace fs = std::filesystem;

namespace {

/// Tells that the sandbox is set up, waits for permission, and becomes the job. Without the second step, a job whose
/// parent is killed during the setup would run without supervision.
constexpr const char* gate_script = "echo >&3 && read -r go <&3 && exec \"$@\" 3>&-";

/// Each takes a descriptor while the job is started.
constexpr std::size_t most_binds = 64;

/// The process that reaps the others in the sandbox.
constexpr int reaper = 1;

void append(std::vector<std::string>& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

/// bubblewrap lets only its own user enter the folders that it creates above a bind.
void append_parents(std::vector<std::string>& words, const fs::path& to) {
  std::vector<fs::path> parents;
  for (fs::path parent = to.parent_path(); parent.has_relative_path(); parent = parent.parent_path())
    parents.insert(parents.begin(), parent);
  if (parents.empty() || parents.front() == "/usr") return;
  for (const fs::path& parent : parents) append(words, {"--perms", "0755", "--dir", parent});
}

bool is_absolute_and_normal(const std::string& path) {
  const fs::path normal = fs::path(path).lexically_normal();
  return path.size() > 1 && path.front() == '/' && path.back() != '/' && normal.native() == path;
}

bool is_at_end_of_name(const std::string& text, std::size_t at) {
  if (at >= text.size()) return true;
  const char next = text[at];
  return std::isalnum(static_cast<unsigned char>(next)) == 0 && next != '_' && next != '-' && next != '.';
}

}  // namespace

std::vector<std::string> system_binds(const fs::path& root) {
  std::vector<std::string> words{"--ro-bind", root / "usr", "/usr"};
  std::error_code failed;
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    const fs::path folder = root / name;
    const std::string inside = fmt::format("/{}", name);
    if (fs::is_symlink(folder, failed))
      append(words, {"--symlink", fs::read_symlink(folder, failed), inside});
    else if (fs::is_directory(folder, failed))
      append(words, {"--ro-bind", folder, inside});
  }
  // Debian's compilers are links through alternatives; javac does not start without its configuration.
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / "etc", failed)) {
    const std::string name = entry.path().filename();
    if (name == "alternatives" || name == "ld.so.cache" || (name.starts_with("java-") && name.ends_with("-openjdk")))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  append(words, {"--perms", "0755", "--dir", "/etc"});
  for (const std::string& name : names) append(words, {"--ro-bind", root / "etc" / name, "/etc/" + name});
  return words;
}

std::vector<Bind> binds_of(const Job& job) {
  std::vector<Bind> binds;
  if (!job.folder.empty()) binds.push_back({job.folder, "/box"});
  binds.insert(binds.end(), job.read_only.begin(), job.read_only.end());
  return binds;
}

std::vector<std::string> bubblewrap_command(const Isolation& isolation, const Job& job, const std::vector<Bind>& binds,
                                            const std::string& name, ::uid_t user) {
  std::vector<std::string> words{isolation.bubblewrap};
  if (isolation.user_namespace)
    append(words, {"--unshare-user", "--disable-userns", "--uid", std::to_string(user_in_namespace), "--gid",
                   std::to_string(user_in_namespace)});
  append(words, {"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
                 "--die-with-parent", "--new-session", "--hostname", "box", "--cap-drop", "ALL"});
  if (!isolation.user_namespace)
    for (const char* capability : {"CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"}) append(words, {"--cap-add", capability});
  append(words,
         {"--seccomp", std::to_string(filter_descriptor), "--json-status-fd", std::to_string(status_descriptor)});

  words.insert(words.end(), isolation.system_binds.begin(), isolation.system_binds.end());
  // The first process has the program's user, so that the program could write into its memory, and with it outlive this
  // process.
  append(words,
         {"--proc", "/proc", "--ro-bind", "/dev/null", "/proc/1/mem", "--ro-bind", "/dev/null", "/proc/1/task/1/mem"});
  append(words, {"--size", "1048576", "--tmpfs", "/dev"});
  for (const char* device : {"null", "zero", "full", "random", "urandom"})
    append(words, {"--dev-bind", fmt::format("/dev/{}", device), fmt::format("/dev/{}", device)});
  append(words, {"--symlink", "/proc/self/fd", "/dev/fd", "--symlink", "/proc/self/fd/0", "/dev/stdin", "--symlink",
                 "/proc/self/fd/1", "/dev/stdout", "--symlink", "/proc/self/fd/2", "/dev/stderr"});
  append(words, {"--perms", "1777", "--size", "1048576", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"});
  append(words, {"--perms", "1777", "--size", std::to_string(temporary_bytes(job.limits)), "--tmpfs", "/tmp", "--perms",
                 "0777", "--dir", "/tmp/run"});
  if (job.folder.empty()) append(words, {"--perms", "0555", "--dir", "/box"});
  for (const Bind& bind : binds) {
    append_parents(words, bind.to);
    append(words, {job.folder_is_writable && &bind == &binds.front() ? "--bind" : "--ro-bind", bind.from, bind.to});
  }
  append(words, {"--remount-ro", "/", "--chdir", job.folder_is_writable ? "/box" : "/tmp/run"});

  append(words, {"--", "/bin/sh", "-c", gate_script, name});
  if (!isolation.user_namespace)
    append(words, {"setpriv", fmt::format("--reuid={}", user), fmt::format("--regid={}", user), "--clear-groups",
                   "--inh-caps=-all", "--bounding-set=-all"});
  append(words, {"prlimit", fmt::format("--nproc={}", job.limits.processes + reaper), "--"});
  words.insert(words.end(), job.command.begin(), job.command.end());
  return words;
}

std::vector<std::string> environment_of(const Job& job) {
  std::vector<std::string> environment{"PATH=/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8"};
  environment.insert(environment.end(), job.environment.begin(), job.environment.end());
  return environment;
}

std::string with_own_paths(std::string text, const std::vector<Bind>& binds) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto bind = std::find_if(binds.begin(), binds.end(), [&](const Bind& candidate) {
      return text.compare(at, candidate.to.size(), candidate.to) == 0 &&
             is_at_end_of_name(text, at + candidate.to.size());
    });
    if (bind == binds.end()) continue;
    text.replace(at, bind->to.size(), bind->from.native());
    at += bind->from.native().size() - 1;
  }
  return text;
}

void require_valid(const Job& job) {
  const Limits& limits = job.limits;
  const auto need = [](bool holds, const std::string& rule, const std::string& found) {
    if (!holds) throw UsageError(fmt::format("[sandbox] {}, got {}", rule, escaped(found, 200)));
  };
  need(!job.command.empty() && !job.command.front().empty(), "a job has a command", "none");
  need(limits.cpu_seconds > 0 && limits.cpu_seconds <= 86400, "the limit of CPU time is above 0 and at most a day",
       fmt::format("{} s", limits.cpu_seconds));
  need(limits.wall_seconds > 0 && limits.wall_seconds <= 7 * 86400, "the limit of time is above 0 and at most a week",
       fmt::format("{} s", limits.wall_seconds));
  need(limits.memory_bytes >= std::int64_t{16} << 20 && limits.memory_bytes <= std::int64_t{1} << 50,
       "the limit of memory is 16 MiB to 1 PiB", fmt::format("{} bytes", limits.memory_bytes));
  need(limits.file_bytes >= 0 && limits.file_bytes <= std::int64_t{1} << 50, "the limit of a file's size is 0 to 1 PiB",
       fmt::format("{} bytes", limits.file_bytes));
  need(limits.output_bytes >= 0 && limits.output_bytes <= std::int64_t{1} << 30,
       "the limit of the output is 0 to 1 GiB", fmt::format("{} bytes", limits.output_bytes));
  need(limits.processes >= 1 && limits.processes <= 30000, "the limit of processes is 1 to 30000",
       std::to_string(limits.processes));
  need(job.read_only.size() <= most_binds, fmt::format("a job has at most {} further files and folders", most_binds),
       std::to_string(job.read_only.size()));
  need(!job.folder_is_writable || !job.folder.empty(), "a writable folder is named", "an empty name");
  for (const Bind& bind : binds_of(job)) {
    std::error_code failed;
    need(fs::exists(bind.from, failed), "a file or folder of the job exists", bind.from.native());
    need(is_absolute_and_normal(bind.to), "a path in the sandbox is absolute, without . and .. and a slash at its end",
         bind.to);
  }
  for (const std::string& variable : job.environment)
    need(variable.find('=') != 0 && variable.find('=') != variable.npos, "a variable has the form NAME=value",
         variable);
  for (const auto* words : {&job.command, &job.environment})
    for (const std::string& word : *words)
      need(word.find('\0') == word.npos, "a word of the command or environment has no zero byte", word);
}

}  // namespace multipl_moe::sandbox
