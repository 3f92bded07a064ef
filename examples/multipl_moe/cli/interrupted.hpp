/// How a run that SIGINT ended leaves the program.
#pragma once

#include <stdexcept>

namespace multipl_moe {

/// The text says what was saved. Exit code 130.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace multipl_moe
