#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/cli/options.hpp"
