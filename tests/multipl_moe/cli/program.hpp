/// Runs the program as a process with arguments, streams and an exit code.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "../io/scratch.hpp"

namespace multipl_moe::testing {

struct Outcome {
  int exit_code = -1;
  std::string out, error;
};

/// Put before a command whose files may have at most `blocks` blocks of 512 bytes. A coverage build would damage its
/// profile, which is a file too: that of this run goes into the working folder.
inline std::string file_size_limit(std::int64_t blocks) {
  return "ulimit -f " + std::to_string(blocks) + " && GCOV_PREFIX=profile";
}

/// Runs the program in the folder `scratch`, with arguments in shell syntax. `before` precedes the program's name:
/// assignments, or commands that end in `&&`.
inline Outcome run(const ScratchFolder& scratch, const std::string& words, const std::string& before = "") {
  const std::string command =
      "cd '" + scratch.path().native() + "' && " + before + " '" MULTIPL_MOE_BINARY "' " + words + " 2>stderr.txt";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start a process");
  Outcome outcome;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    outcome.out.append(buffer.data(), n);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.error = get_bytes(scratch / "stderr.txt");
  return outcome;
}

/// Starts the program in `scratch` without waiting; its streams are /dev/null.
inline ::pid_t start(const ScratchFolder& scratch, std::vector<std::string> words) {
  words.insert(words.begin(), MULTIPL_MOE_BINARY);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const ::pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child > 0) return child;
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (int stream = 0; stream < 3; ++stream) ::dup2(nowhere, stream);
  if (::chdir(scratch.path().c_str()) == 0) ::execv(MULTIPL_MOE_BINARY, arguments.data());
  ::_exit(127);
}

/// Waits for a process of start(). Returns its exit code, or 128 + the number of the signal that ended it.
inline int wait_for(::pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("cannot wait for the process");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Writes tiny.json, for `--config-json tiny.json`: a model that trains in a millisecond per step.
inline void put_tiny_config(const ScratchFolder& scratch) {
  put_bytes(scratch / "tiny.json",
            R"({"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 257})");
}

}  // namespace multipl_moe::testing
