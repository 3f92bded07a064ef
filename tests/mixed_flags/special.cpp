#define FUNCTION hash_of_special_file
#include "kernels.hpp"
