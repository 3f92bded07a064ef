/// Formats numbers with their nouns in fmt: counted(1, "steps") gives "1 step".
#pragma once

#include <fmt/ostream.h>

#include <cstdint>
#include <string>

#include "moe/core/counted.hpp"

template <typename Number>
struct fmt::formatter<moe::Counted<Number>> : fmt::ostream_formatter {};

namespace multipl_moe {

using moe::counted;

/// "1 process", "4 processes".
inline std::string counted_processes(std::int64_t count) {
  return count == 1 ? "1 process" : fmt::format("{} processes", count);
}

}  // namespace multipl_moe
