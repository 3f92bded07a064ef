#pragma once

// What every header needs. A header that includes the others goes on only where nothing is missing, so that the
// sentence does not drown in what follows from it.

#if __cplusplus <= 201703L
#error "moelayers needs C++20: compile with -std=c++20 or newer"
#define MOE_REQUIREMENTS_ARE_MISSING
#elif !defined(__cpp_exceptions)
#error "moelayers reports what breaks a rule by exceptions: compile without -fno-exceptions"
#define MOE_REQUIREMENTS_ARE_MISSING
#endif
