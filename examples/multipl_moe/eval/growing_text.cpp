#include "multipl_moe/eval/growing_text.hpp"

#include <algorithm>
#include <utility>

namespace multipl_moe {

std::string GrowingText::add(std::string_view bytes) {
  open_ += bytes;
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, open_.find(stop));
  stopped_ = first != std::string::npos;
  if (stopped_) {
    open_.resize(first);
    return characters_.add(std::exchange(open_, {}));
  }
  // The longest tail that a stop text begins with waits.
  std::size_t waits = 0;
  for (const std::string& stop : stops_)
    for (std::size_t n = std::min(open_.size(), stop.size() - 1); n > waits; --n)
      if (open_.ends_with(std::string_view(stop).substr(0, n))) waits = n;
  const std::string settled = open_.substr(0, open_.size() - waits);
  open_.erase(0, settled.size());
  return characters_.add(settled);
}

std::string GrowingText::finish() {
  std::string text = characters_.add(std::exchange(open_, {}));
  return text += characters_.finish();
}

}  // namespace multipl_moe
