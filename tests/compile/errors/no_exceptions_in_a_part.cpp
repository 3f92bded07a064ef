// error: moelayers reports what breaks a rule by exceptions: compile without -fno-exceptions
#include <moe/layers/token_moe.hpp>
