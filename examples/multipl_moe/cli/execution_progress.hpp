/// How many programs have run, on stderr.
#pragma once

#include <fmt/format.h>

#include <cstddef>

#include "multipl_moe/benchmark/execution.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

class ExecutionProgress {
 public:
  ExecutionProgress(std::size_t total, bool quiet) : total_(total), quiet_(quiet) {}

  benchmark::ExecutionListener listener() {
    benchmark::ExecutionListener listener;
    listener.ran = [this] {
      ++ran_;
      if (!quiet_) line_.show(fmt::format("execute {} of at most {}", ran_, total_), ran_ % 100 == 0, false);
    };
    listener.should_stop = [] { return InterruptGuard::signal() != 0; };
    return listener;
  }
  std::size_t ran() const { return ran_; }
  void finish() { line_.finish(); }

 private:
  std::size_t total_, ran_ = 0;
  bool quiet_;
  LiveLine line_;
};

}  // namespace multipl_moe
