/// In slow builds, with sanitizers or for mutation tests, randomized tests run fewer cases.
#pragma once

namespace moe::testing {

#ifdef MOE_SLOW_BUILD
inline constexpr bool is_slow_build = true;
#else
inline constexpr bool is_slow_build = false;
#endif

}  // namespace moe::testing
