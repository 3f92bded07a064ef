/// Headers of other projects that most tests include, precompiled once for each test program. No file includes this
/// header.
#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <Eigen/Core>

#include "support/catch.hpp"
