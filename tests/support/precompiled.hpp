/// Other projects' headers that most tests read, precompiled once for each program of tests. No file includes it.
#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <Eigen/Core>

#include "support/catch.hpp"
