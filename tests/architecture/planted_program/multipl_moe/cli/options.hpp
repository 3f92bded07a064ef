#include "multipl_moe/architectures/list.hpp"
