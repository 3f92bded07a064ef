#pragma once

// Requirements of every header. A header that includes others continues only if all requirements are met, so that the
// error below is not followed by many others.

#if __cplusplus <= 201703L
#error "moelayers needs C++20: compile with -std=c++20 or newer"
#define MOE_REQUIREMENTS_ARE_MISSING
#elif !defined(__cpp_exceptions)
#error "moelayers reports errors by exceptions: compile without -fno-exceptions"
#define MOE_REQUIREMENTS_ARE_MISSING
#endif
