#include "multipl_moe/reproduce/stage_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The environment of stages.
std::vector<char*> stage_environment() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("MOE_") || text.starts_with("MOE_CPU=") || text.starts_with("MOE_MEMORY_LIMIT="))
      kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

/// What the child needs, made before it shares this process's memory.
struct StageImage {
  const char *program = nullptr, *folder = nullptr;
  std::vector<char*> words, environment;
  std::array<int, 3> streams{};
  ::pid_t parent = 0;
};

/// Runs in the memory of the parent, which waits: system calls only.
[[noreturn, gnu::noinline]] void become_stage(const StageImage& image, volatile int& error_number) {
  bool is_ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0;
  // The parent could have ended before.
  if (::getppid() != image.parent) ::_exit(127);
  for (int stream = 0; stream < 3; ++stream)
    is_ready = is_ready && ::dup2(image.streams[static_cast<std::size_t>(stream)], stream) >= 0;
  is_ready = is_ready && ::chdir(image.folder) == 0;
  // A handler of this process must not take a signal that is meant for the stage.
  struct ::sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &standard, nullptr);
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (is_ready) ::execve(image.program, image.words.data(), image.environment.data());
  error_number = errno;
  ::_exit(127);
}

/// Its number is above those of the streams, which it is copied to.
Descriptor opened(const std::filesystem::path& path, int flags) {
  const Descriptor descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  Descriptor above(descriptor.number() < 0 ? -1 : ::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 3));
  if (above.number() < 0) throw IoError(path, "open", errno);
  return above;
}

}  // namespace

::pid_t start_stage(const StageCommand& command) {
  constexpr int to_write = O_WRONLY | O_CREAT | O_TRUNC;
  const Descriptor nothing = opened("/dev/null", O_RDONLY), out = opened(command.out, to_write),
                   log = opened(command.log, to_write);
  std::vector<std::string> words = command.words;
  words.insert(words.begin(), command.program.native());
  StageImage image{command.program.c_str(),
                   command.folder.c_str(),
                   {},
                   stage_environment(),
                   {nothing.number(), out.number(), log.number()},
                   ::getpid()};
  for (std::string& word : words) image.words.push_back(word.data());
  image.words.push_back(nullptr);
  ::sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int error_number = 0;
  const ::pid_t child = ::vfork();
  if (child == 0) become_stage(image, error_number);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) throw IoError(command.program, "start", fork_error);
  if (error_number != 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    throw IoError(command.program, "start", error_number);
  }
  return child;
}

}  // namespace multipl_moe::reproduce
