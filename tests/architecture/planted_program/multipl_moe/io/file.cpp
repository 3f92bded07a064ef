#include "moe/core/view.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/layers.hpp"
