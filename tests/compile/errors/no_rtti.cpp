// error: moe/runtime/any_layer.hpp uses run-time type information: compile without -fno-rtti
#include <moe/runtime/any_layer.hpp>
