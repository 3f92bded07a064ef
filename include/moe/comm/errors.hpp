#pragma once

#include <stdexcept>

namespace moe {

/// Thrown if ranks cannot continue together: one does not answer in time, has ended, or is at another place of the
/// program. The communication cannot be used afterwards: report the message and end every rank (Comm::abort).
struct CommError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace moe
