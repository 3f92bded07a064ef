#include "multipl_moe/cli/machine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "moe/core/workers.hpp"
#include "moe/version.hpp"
#include "multipl_moe/cli/environment.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/mpi/launch.hpp"
#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe {

namespace {

/// Bytes of free disk space below which `doctor` warns: a run of the demo writes about this much.
constexpr std::int64_t least_disk = std::int64_t{1} << 30;

/// As /proc/cpuinfo spells them.
constexpr const char* known_instructions[] = {
    "sse4_2",   "avx",      "avx2",        "fma",         "f16c",        "avx512f",  "avx512bw", "avx512vl",
    "avx512dq", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd",    "sve"};

std::vector<std::string> instructions_of_cpu() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::vector<std::string> present;
    std::istringstream words(line.substr(std::min(line.find(':'), line.size() - 1) + 1));
    for (std::string word; words >> word;)
      if (std::find(std::begin(known_instructions), std::end(known_instructions), word) != std::end(known_instructions))
        present.push_back(word);
    return present;
  }
  return {};
}

std::vector<std::string> instructions_compiled_for() {
  return {
#ifdef __SSE4_2__
      "sse4_2",
#endif
#ifdef __AVX__
      "avx",
#endif
#ifdef __AVX2__
      "avx2",
#endif
#ifdef __FMA__
      "fma",
#endif
#ifdef __AVX512F__
      "avx512f",
#endif
#ifdef __AVX512BF16__
      "avx512_bf16",
#endif
#ifdef __ARM_NEON
      "asimd",
#endif
  };
}

/// A line `Name:  12345 kB` of /proc/meminfo in bytes; 0 where there is none.
std::int64_t memory_named(std::string_view name) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name)) {
      std::int64_t kibibytes = 0;
      std::istringstream(line.substr(name.size())) >> kibibytes;
      return 1024 * kibibytes;
    }
  return 0;
}

std::string gib_or_unknown(std::int64_t bytes) { return bytes > 0 ? gib(bytes) : "unknown"; }

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

std::string list_of(const std::vector<std::string>& names) {
  return names.empty() ? "none that the program uses" : fmt::format("{}", fmt::join(names, " "));
}

}  // namespace

Machine this_machine() {
  Machine m;
  m.version = fmt::format("{}.{}.{}", moe::version_major, moe::version_minor, moe::version_patch);
  m.compiler = compiler_name();
  m.libraries = library_versions();
  m.matrix_products = "moelayers";
  m.instruction_set = moe::cpu::name_of(moe::cpu::instruction_set());
  for (const auto set : moe::cpu::instruction_sets()) m.instruction_sets.push_back(moe::cpu::name_of(set));
  m.mpi = name_of_mpi();
  m.gpus = gpus();
  for (Gpu& gpu : m.gpus.list) static_cast<void>(find_free_memory(gpu));
  m.cpu = cpu_name();
  m.vector_instructions = instructions_of_cpu();
  m.compiled_for = instructions_compiled_for();
  m.threads = moe::available_threads();
  m.memory_bytes = memory_named("MemTotal:");
  m.memory_free_bytes = free_memory_bytes().value_or(0);
  std::error_code error;
  m.folder = std::filesystem::current_path(error);
  if (error) throw IoError(".", "find", error.value());
  struct ::statvfs disk {};
  if (::statvfs(".", &disk) != 0) throw IoError(m.folder, "get the free space", errno);
  m.disk_free_bytes = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
  m.folder_writable = ::access(".", W_OK) == 0;
  m.gnuplot = find_program("gnuplot");
  try {
    m.sandbox = sandbox::Sandbox::open(sandbox::Mode::bubblewrap, 1).description();
  } catch (const std::runtime_error& refusal) {
    m.lacks_of_sandbox = refusal.what();
  }
  return m;
}

std::vector<Lack> lacks_of(const Machine& m) {
  std::vector<Lack> lacks;
  std::vector<std::string> absent;
  for (const std::string& name : m.compiled_for)
    if (std::find(m.vector_instructions.begin(), m.vector_instructions.end(), name) == m.vector_instructions.end())
      absent.push_back(name);
  // An empty list means that the system does not report the instructions of the CPU.
  if (!m.vector_instructions.empty() && !absent.empty())
    lacks.push_back({"CPU instructions that the program was compiled for: " + list_of(absent),
                     "build it on this machine, or with -DMOE_NATIVE=OFF", true});
  if (!m.folder_writable)
    lacks.push_back({"permission to write into the current folder", "work in a folder that you can write to", true});
  if (m.disk_free_bytes < least_disk)
    lacks.push_back({fmt::format("disk space: only {} are free here", gib(m.disk_free_bytes)),
                     "free at least 1 GiB, or work in a folder on another disk", m.disk_free_bytes == 0});
  if (!m.gnuplot)
    lacks.push_back({"gnuplot, which draws the pictures of trace and report", "apt-get install gnuplot-nox", false});
  if (m.mpi.empty())
    lacks.push_back({"MPI, for training in several processes",
                     "apt-get install libopenmpi-dev openmpi-bin, and build again", false});
  if (!m.gpus.lacks.empty()) lacks.push_back({"cuBLAS, for models on a GPU", m.gpus.lacks, false});
  if (m.sandbox.empty())
    lacks.push_back({"a sandbox, in which evaluate executes generated programs", m.lacks_of_sandbox, false});
  return lacks;
}

std::string machine_text(const Machine& m) {
  std::string text;
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<22} {}\n", name, escaped(value, 1000));
  };
  row("multipl_moe", m.version);
  row("compiler", m.compiler);
  for (const auto& [name, version] : m.libraries) row(name, version);
  row("matrix products", fmt::format("{}, compiled for {} (MOE_CPU chooses one of: {})", m.matrix_products,
                                     m.instruction_set, fmt::join(m.instruction_sets, ", ")));
  row("several processes", m.mpi.empty() ? "no: built without MPI" : "mpirun or srun with " + m.mpi);
  if (m.gpus.runtime.empty())
    row("CUDA", "none");
  else if (m.gpus.driver.empty())
    row("CUDA", m.gpus.runtime + ", no driver");
  else
    row("CUDA", fmt::format("{}, the driver supports {}", m.gpus.runtime, m.gpus.driver));
  if (m.gpus.list.empty()) row("GPU", "none: " + m.gpus.none_because);
  for (const Gpu& gpu : m.gpus.list) row("GPU", text_of(gpu));
  row("CPU", m.cpu);
  row("vector instructions", list_of(m.vector_instructions));
  row("compiled for", list_of(m.compiled_for));
  row("threads", std::to_string(m.threads));
  row("memory", fmt::format("{}, {} free", gib_or_unknown(m.memory_bytes), gib_or_unknown(m.memory_free_bytes)));
  row("disk", fmt::format("{} free in {}", gib(m.disk_free_bytes), m.folder.native()));
  row("gnuplot", m.gnuplot ? m.gnuplot->native() : "not found");
  row("generated programs", m.sandbox.empty() ? "cannot be executed" : "are executed in " + m.sandbox);
  const std::vector<Lack> lacks = lacks_of(m);
  text += lacks.empty() ? "\nnothing is missing\n" : "\nmissing\n";
  for (const Lack& lack : lacks)
    text += fmt::format("  {} ({}): {}\n", lack.what, lack.needed ? "needed" : "optional", lack.how_to_get_it);
  return text;
}

std::string machine_json(const Machine& m) {
  nlohmann::ordered_json out;
  out["version"] = m.version;
  out["compiler"] = m.compiler;
  for (const auto& [name, version] : m.libraries) out["libraries"][name] = version;
  out["matrix_products"] = m.matrix_products;
  out["instruction_set"] = m.instruction_set;
  out["instruction_sets"] = m.instruction_sets;
  out["mpi"] = text_or_null(m.mpi);
  out["cuda"] = m.gpus.runtime.empty() ? "none" : m.gpus.runtime;
  out["cuda_driver"] = text_or_null(m.gpus.driver);
  out["gpus"] = nlohmann::ordered_json::array();
  for (const Gpu& gpu : m.gpus.list)
    out["gpus"].push_back({{"device", fmt::format("cuda:{}", gpu.index)},
                           {"name", escaped(gpu.name)},
                           {"compute_capability", fmt::format("{}.{}", gpu.major, gpu.minor)},
                           {"supported", gpu.is_supported()},
                           {"memory_bytes", gpu.memory_bytes},
                           {"memory_free_bytes", gpu.free_bytes}});
  out["no_gpu_because"] = text_or_null(m.gpus.none_because);
  out["cpu"] = m.cpu;
  out["vector_instructions"] = m.vector_instructions;
  out["compiled_for"] = m.compiled_for;
  out["threads"] = m.threads;
  out["memory_bytes"] = m.memory_bytes;
  out["memory_free_bytes"] = m.memory_free_bytes;
  out["folder"] = escaped(m.folder.native(), 4096);
  out["disk_free_bytes"] = m.disk_free_bytes;
  out["gnuplot"] = m.gnuplot ? nlohmann::ordered_json(escaped(m.gnuplot->native(), 4096)) : nullptr;
  out["sandbox"] = text_or_null(m.sandbox);
  out["missing"] = nlohmann::ordered_json::array();
  for (const Lack& lack : lacks_of(m))
    out["missing"].push_back({{"what", lack.what}, {"needed", lack.needed}, {"how", lack.how_to_get_it}});
  return out.dump(2) + "\n";
}

}  // namespace multipl_moe
