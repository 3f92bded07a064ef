// The C header whose macro `I` is in the way of names.
#include <complex.h>
#include <moe/moe.hpp>
