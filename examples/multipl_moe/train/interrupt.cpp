#include "multipl_moe/train/interrupt.hpp"

#include <csignal>

namespace multipl_moe {

namespace {

volatile std::sig_atomic_t noted = 0;

void note(int signal) {
  noted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() : previous_((noted = 0, std::signal(SIGINT, note))) {}

InterruptGuard::~InterruptGuard() { std::signal(SIGINT, previous_ == SIG_ERR ? SIG_DFL : previous_); }

bool InterruptGuard::interrupted() noexcept { return noted != 0; }

}  // namespace multipl_moe
