/// The runs that main() calls, one for each backend. Each backend has its own source file: the CUDA compiler does not
/// compile the CPU backend, and no other compiler compiles the GPU backend.
#pragma once

struct Outcome;
Outcome on_cpu();
Outcome on_gpu();
