// error: moelayers reports errors by exceptions: compile without -fno-exceptions
#include <moe/layers/token_moe.hpp>
