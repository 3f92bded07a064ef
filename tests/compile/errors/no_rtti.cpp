// error: moe/runtime/any_layer.hpp asks layers for their type at run time: compile without -fno-rtti
#include <moe/runtime/any_layer.hpp>
