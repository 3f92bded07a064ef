// error: Backend: Buffer<Value> is missing or incomplete, see moe/backend/contract/memory.hpp
#include "moe/backend/contract/archetype.hpp"
#include "moe/backend/contract/checked.hpp"

using namespace moe;

static_assert(check_backend<archetype::Backend, float>());
