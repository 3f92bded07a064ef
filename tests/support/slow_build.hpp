/// Builds that run slowly, with sanitizers or with planted bugs: there tests that repeat themselves do so less often.
#pragma once

namespace moe::testing {

#ifdef MOE_SLOW_BUILD
inline constexpr bool is_slow_build = true;
#else
inline constexpr bool is_slow_build = false;
#endif

}  // namespace moe::testing
