#include <cstddef>
#include <fmt/format.h>
#include "moe/routing/router/router.hpp"
