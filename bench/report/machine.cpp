#include <Eigen/Core>
#include <fstream>
#include <string>

#include "bench/report/report.hpp"
#include "benchmark/benchmark.h"
#include "moe/backend/cpu/isa/instruction_set.hpp"

namespace moe_bench {

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (const auto colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "unknown CPU";
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown compiler";
#endif
}

}  // namespace

Machine this_machine(int threads) {
  const benchmark::CPUInfo& info = benchmark::CPUInfo::Get();
  Machine machine;
  machine.cpu = cpu_model();
  machine.simd = std::string(moe::cpu::name_of(moe::cpu::instruction_set())) + " (Eigen: " +
                 Eigen::SimdInstructionSetsInUse() + ")";
  machine.compiler = compiler();
  machine.eigen = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
                  std::to_string(EIGEN_MINOR_VERSION);
  machine.cores = info.num_cpus;
  machine.threads = threads;
  machine.load = info.load_avg.empty() ? 0 : info.load_avg.front();
  return machine;
}

}  // namespace moe_bench
