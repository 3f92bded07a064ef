#include "multipl_moe/train/interrupt.hpp"

#include <csignal>

namespace multipl_moe {

namespace {

volatile std::sig_atomic_t noted = 0;

void note(int signal) {
  noted = signal;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

void restore(int signal, void (*handler)(int)) { std::signal(signal, handler == SIG_ERR ? SIG_DFL : handler); }

}  // namespace

InterruptGuard::InterruptGuard()
    : previous_interrupt_((noted = 0, std::signal(SIGINT, note))), previous_termination_(std::signal(SIGTERM, note)) {}

InterruptGuard::~InterruptGuard() {
  restore(SIGINT, previous_interrupt_);
  restore(SIGTERM, previous_termination_);
}

int InterruptGuard::signal() noexcept { return noted; }

}  // namespace multipl_moe
