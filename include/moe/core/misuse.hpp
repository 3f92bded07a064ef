#pragma once

namespace moe::detail {

/// Never true, but not known before a template is used: for overloads that exist to say what is wrong with a call.
template <class...>
inline constexpr bool never = false;

}  // namespace moe::detail
