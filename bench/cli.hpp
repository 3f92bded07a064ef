#pragma once

namespace moe_bench {

/// The whole program: reads the flags, measures, prints the results. Returns the exit code.
int run_bench(int argc, char** argv);

}  // namespace moe_bench
