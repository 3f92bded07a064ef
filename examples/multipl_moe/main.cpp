#include "multipl_moe/cli/app.hpp"

int main(int argc, char** argv) { return multipl_moe::run_program(argc, argv); }
