// Version 3 brings a main function in a library of its own; version 2 has it made here.
#define CATCH_CONFIG_MAIN
#include "support/catch.hpp"
