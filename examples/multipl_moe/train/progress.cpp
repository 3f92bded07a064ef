#include "multipl_moe/train/progress.hpp"

#include <unistd.h>

#include <cmath>
#include <fstream>

#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

std::string short_count(double count) {
  if (count < 1e3) return fmt::format("{:.0f}", count);
  if (count < 1e6) return fmt::format("{:.1f}k", count / 1e3);
  return fmt::format("{:.2f}M", count / 1e6);
}

std::string short_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

std::int64_t resident_bytes() {
  std::ifstream statistics("/proc/self/statm");
  std::int64_t pages = 0, resident = 0;
  if (!(statistics >> pages >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

std::string progress_line(const StepReport& r) {
  return fmt::format("step {}/{}  loss {:.3f}  aux {:.3f}  lr {:.1e}  gnorm {:.2f}  {} tok/s  mem {:.1f} GiB  ETA {}",
                     r.step, r.total, r.loss, r.auxiliary, r.rate, r.gradient_norm, short_count(r.tokens_per_second),
                     static_cast<double>(r.memory_bytes) / (1 << 30), short_duration(r.seconds_left));
}

Progress::Progress(std::string label, std::int64_t every)
    : label_(std::move(label)), every_(every), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { finish_line(); }

void Progress::show(const StepReport& report) {
  if (every_ == 0) return;
  const bool last = report.step == report.total;
  const std::string line = label_ + progress_line(report);
  if (!terminal_) {
    if (last || report.step % every_ == 0) notice("{}\n", line);
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!last && now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  line_open_ = true;
  notice("\r{}\x1b[K", line);
  if (last) finish_line();
}

void Progress::finish_line() {
  if (!line_open_) return;
  notice("\n");
  line_open_ = false;
}

}  // namespace multipl_moe
