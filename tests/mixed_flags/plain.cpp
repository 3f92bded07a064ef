#define FUNCTION hash_of_plain_file
#include "kernels.hpp"
