// error: check_backend: name the backend, then the types of values that its layers have
#include "moe/backend/shape/shape.hpp"

using namespace moe;

static_assert(check_backend<Shape>());
