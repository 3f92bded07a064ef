#include "multipl_moe/io/notice.hpp"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>

namespace multipl_moe {

namespace {

std::atomic<bool> are_dropped = false;

}  // namespace

void notice(std::string_view text) noexcept {
  if (!are_dropped) alarm(text);
}

void drop_notices() noexcept { are_dropped = true; }

void alarm(std::string_view text) noexcept {
  if (std::fwrite(text.data(), 1, text.size(), stderr) != text.size()) std::clearerr(stderr);
}

void notice_once(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard lock(mutex);
  if (said.insert(text).second) notice(std::string_view(text));
}

}  // namespace multipl_moe
