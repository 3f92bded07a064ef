#include "multipl_moe/model/layers.hpp"
