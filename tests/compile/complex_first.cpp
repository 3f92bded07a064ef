// The C header whose macro `I` conflicts with identifiers.
#include <complex.h>
#include <moe/moe.hpp>
