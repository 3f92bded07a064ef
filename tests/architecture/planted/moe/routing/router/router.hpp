#include "moe/core/row.hpp"
#include "row.hpp"
