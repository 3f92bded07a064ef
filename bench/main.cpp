#include "bench/cli.hpp"

int main(int argc, char** argv) { return moe_bench::run_bench(argc, argv); }
