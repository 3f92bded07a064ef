#include "multipl_moe/eval/growing_text.hpp"

#include <algorithm>
#include <utility>

namespace multipl_moe {

StopText stop_of_bytes(std::string_view bytes) {
  StopText units;
  for (const char byte : bytes) units += static_cast<unsigned char>(byte);
  return units;
}

GrowingText::GrowingText(const std::vector<std::string>& stops) {
  for (const std::string& stop : stops) stops_.push_back(stop_of_bytes(stop));
}

std::string GrowingText::add_signal(Token token) {
  const StopText signal(1, signal_of(token));
  const bool matters = std::any_of(stops_.begin(), stops_.end(),
                                   [&signal](const StopText& stop) { return stop.find(signal) != stop.npos; });
  return matters ? add_units(signal) : std::string();
}

std::string GrowingText::add_units(std::u32string_view units) {
  open_ += units;
  std::size_t first = open_.npos;
  for (const StopText& stop : stops_) first = std::min(first, open_.find(stop));
  stopped_ = first != open_.npos;
  if (stopped_) {
    open_.resize(first);
    return shown(std::exchange(open_, {}));
  }
  // The longest tail that is the beginning of a stop text is held back.
  std::size_t waits = 0;
  for (const StopText& stop : stops_)
    for (std::size_t n = std::min(open_.size(), stop.size() - 1); n > waits; --n)
      if (open_.ends_with(std::u32string_view(stop).substr(0, n))) waits = n;
  const std::u32string settled = open_.substr(0, open_.size() - waits);
  open_.erase(0, settled.size());
  return shown(settled);
}

std::string GrowingText::finish() {
  std::string text = shown(std::exchange(open_, {}));
  return text += characters_.finish();
}

std::string GrowingText::shown(std::u32string_view units) {
  std::string bytes;
  for (const char32_t unit : units)
    if (unit < 256) bytes += static_cast<char>(unit);
  return characters_.add(bytes);
}

}  // namespace multipl_moe
