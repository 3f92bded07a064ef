#include <cstddef>
#include <fmt/format.h>
#include "moe/concepts/router.hpp"
