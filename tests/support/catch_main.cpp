// Catch2 3 has its main function in a separate library; that of Catch2 2 is compiled here.
#define CATCH_CONFIG_MAIN
#include "support/catch.hpp"
