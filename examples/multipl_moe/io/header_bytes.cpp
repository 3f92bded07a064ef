#include "multipl_moe/io/header_bytes.hpp"

#include <algorithm>
#include <span>

namespace multipl_moe {

void HeaderBytes::fill() {
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size(), end_ - position_));
  file_.read_at(position_, std::as_writable_bytes(std::span(piece_).last(bytes)));
  piece_end_ = position_ + bytes;
}

}  // namespace multipl_moe
