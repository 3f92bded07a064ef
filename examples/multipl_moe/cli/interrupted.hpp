/// How the program ends after SIGINT or SIGTERM ended a run.
#pragma once

#include <stdexcept>
#include <string>

namespace multipl_moe {

/// The text names what was saved. Exit code 128 + signal: 130 or 143.
class Interrupted : public std::runtime_error {
 public:
  Interrupted(int signal, const std::string& text) : std::runtime_error(text), signal_(signal) {}

  int exit_code() const noexcept { return 128 + signal_; }

 private:
  int signal_;
};

}  // namespace multipl_moe
