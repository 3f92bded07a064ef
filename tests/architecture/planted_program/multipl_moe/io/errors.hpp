#include <vector>
#include "errors.hpp"
