#include "multipl_moe/train/progress.hpp"

#include <unistd.h>

#include <cmath>

#include "multipl_moe/io/byte_text.hpp"
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

double mean_of(const HeldOutLosses& losses) {
  double sum = 0;
  for (const auto& [language, loss] : losses) sum += loss;
  return losses.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(losses.size());
}

std::string progress_line(const StepReport& r, double held_out) {
  const std::string held_out_text = std::isnan(held_out) ? "" : fmt::format("  held-out {:.3f}", held_out);
  return fmt::format("step {}/{}  loss {:.3f}{}  aux {:.3f}  lr {:.1e}  gnorm {:.2f}  {} tok/s  mem {}  ETA {}", r.step,
                     r.total, r.loss, held_out_text, r.auxiliary, r.rate, r.gradient_norm,
                     short_count(r.tokens_per_second), memory_text(r.memory_bytes), short_duration(r.seconds_left));
}

LiveLine::LiveLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

LiveLine::~LiveLine() { finish(); }

void LiveLine::show(const std::string& text, bool plain, bool last) {
  if (!terminal_) {
    if (plain || last) notice("{}\n", text);
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!last && now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  open_ = true;
  notice("\r{}\x1b[K", text);
  if (last) finish();
}

void LiveLine::finish() {
  if (!open_) return;
  notice("\n");
  open_ = false;
}

void Progress::show(const StepReport& report) {
  if (every_ == 0) return;
  if (!report.held_out.empty()) held_out_ = mean_of(report.held_out);
  line_.show(label_ + progress_line(report, held_out_), report.step % every_ == 0, report.step == report.total);
}

void ByteProgress::add(std::uint64_t bytes) {
  constexpr double pause = 5;
  done_ += bytes;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  const bool plain = seconds >= next_plain_;
  if (plain) next_plain_ = seconds + pause;
  line_.show(fmt::format("{} {} of {}  {}/s  ETA {}", label_, short_bytes(static_cast<double>(done_)),
                         short_bytes(static_cast<double>(total_)), short_bytes(rate), short_duration(left)),
             plain, done_ == total_);
}

}  // namespace multipl_moe
