/// bubblewrap, from its start to the start of the job in it.
#pragma once

#include "multipl_moe/sandbox/launch.hpp"
#include "multipl_moe/sandbox/running.hpp"

namespace multipl_moe::sandbox {

/// Holds the descriptors by which bubblewrap reports, and lets the job start only while this process lives.
class Setup {
 public:
  /// `err` reads what bubblewrap writes to stderr. Throws Failure.
  explicit Setup(Output& err);

  /// For the child: gate_descriptor and status_descriptor.
  int gate() const noexcept { return gate_.theirs.number(); }
  int status() const noexcept { return status_end_.number(); }

  /// Lets the job start. Throws Failure with bubblewrap's message if it cannot.
  void finish(Running& running);

  /// The job's exit code as a shell gives it, when the job has ended; -1 if bubblewrap did not end by itself.
  int exit_code();

 private:
  bool is_ready() const;

  Channel gate_;
  Output status_;
  Descriptor status_end_;
  Output& err_;
};

}  // namespace multipl_moe::sandbox
