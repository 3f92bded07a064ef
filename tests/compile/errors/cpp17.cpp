// error: moelayers needs C++20: compile with -std=c++20 or newer
#include <moe/moe.hpp>
