#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "../io/scratch.hpp"

namespace multipl_moe::testing {

/// Redirects stderr into a file during its lifetime.
class StderrCapture {
 public:
  explicit StderrCapture(const char* path = nullptr) : kept_(::dup(STDERR_FILENO)) {
    const std::string own = scratch_ / "stderr";
    const int file = ::open(path == nullptr ? own.c_str() : path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~StderrCapture() {
    std::fflush(stderr);
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }
  StderrCapture(const StderrCapture&) = delete;
  StderrCapture& operator=(const StderrCapture&) = delete;

  std::string text() const {
    std::fflush(stderr);
    return get_bytes(scratch_ / "stderr");
  }

 private:
  ScratchFolder scratch_;
  int kept_;
};

}  // namespace multipl_moe::testing
