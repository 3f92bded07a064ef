/// Formats numbers with their nouns in fmt: counted(1, "steps") gives "1 step".
#pragma once

#include <fmt/ostream.h>

#include "moe/core/counted.hpp"

template <typename Number>
struct fmt::formatter<moe::Counted<Number>> : fmt::ostream_formatter {};

namespace multipl_moe {

using moe::counted;

}  // namespace multipl_moe
