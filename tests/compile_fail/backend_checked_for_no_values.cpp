// error: check_backend: pass the backend, then the value types of its layers
#include "moe/backend/shape/shape.hpp"

using namespace moe;

static_assert(check_backend<Shape>());
