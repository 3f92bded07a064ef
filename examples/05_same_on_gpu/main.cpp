// The same layer, router and training on the CPU and on a GPU: only the backend type differs. The code is in same.hpp;
// on_cpu.cpp and on_gpu.cu instantiate it for one backend each.
//
// Expected output:
//   step        10      20      30      40
//   CPU     0.4392  0.2467  0.1554  0.1024   1.74 experts per row
//   GPU     0.4392  0.2467  0.1554  0.1024   1.74 experts per row
#include <cstdio>
#include <exception>
#include <moe/backend/cpu/cpu.hpp>

#include "run.hpp"
#include "same.hpp"

namespace {

void print(const char* where, const Outcome& outcome) {
  std::printf("%s", where);
  for (const double loss : outcome.losses) std::printf("  %.4f", loss);
  std::printf("   %.2f experts per row\n", outcome.experts_per_row);
}

}  // namespace

int main() {
  std::printf("step        10      20      30      40\n");
  print("CPU   ", on_cpu());
  try {
    print("GPU   ", on_gpu());
  } catch (const std::exception& error) {
    std::printf("GPU     %s\n", error.what());
    return 1;
  }
}
