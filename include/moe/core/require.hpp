#pragma once

#include <sstream>
#include <stdexcept>
#include <string_view>

#include "moe/core/requirements.hpp"

namespace moe {

/// Thrown by public functions if an argument breaks a rule. The text has the form `[where] rule, values found`.
struct Error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// Throws Error("[where] parts...") unless `holds`. The parts are streamed only if it throws.
template <class... Parts>
void require(bool holds, std::string_view where, const Parts&... parts) {
  if (holds) [[likely]]
    return;
  std::ostringstream text;
  text << '[' << where << "] ";
  (text << ... << parts);
  throw Error(text.str());
}

}  // namespace moe
