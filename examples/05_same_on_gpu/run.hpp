/// What main asks of the two backends: each has a source file of its own, since the CUDA compiler does not read the
/// CPU's and no other compiler the GPU's.
#pragma once

struct Outcome;
Outcome on_cpu();
Outcome on_gpu();
