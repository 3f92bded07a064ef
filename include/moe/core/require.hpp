#pragma once

#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "moe/core/requirements.hpp"

namespace moe {

/// Thrown by public functions if an argument breaks a rule. The text has the form `[where] rule, values found`.
struct Error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

namespace detail {

/// A part of a message by address, with the function that prints it.
struct MessagePart {
  const void* value;
  void (*print)(std::ostream&, const void*);

  template <class Part>
  static MessagePart of(const Part& part) {
    if constexpr (std::is_convertible_v<const Part&, const char*>)
      return {static_cast<const char*>(part),
              [](std::ostream& out, const void* text) { out << static_cast<const char*>(text); }};
    else
      return {&part, [](std::ostream& out, const void* address) { out << *static_cast<const Part*>(address); }};
  }
};

/// Throws Error("[where] parts..."). One function for all messages: inlined into every check, the stream would be most
/// of a layer's code.
[[noreturn, gnu::cold, gnu::noinline]] inline void fail(std::string_view where,
                                                        std::initializer_list<MessagePart> parts) {
  std::ostringstream text;
  text << '[' << where << "] ";
  for (const MessagePart& part : parts) part.print(text, part.value);
  throw Error(text.str());
}

}  // namespace detail

/// Throws Error("[where] parts...") unless `holds`. The parts are streamed only if it throws.
template <class... Parts>
void require(bool holds, std::string_view where, const Parts&... parts) {
  if (!holds) [[unlikely]]
    detail::fail(where, {detail::MessagePart::of(parts)...});
}

}  // namespace moe
