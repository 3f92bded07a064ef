#include "multipl_moe/cli/machine.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "moe/version.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace machine_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Machine whole_machine() {
  Machine machine;
  machine.vector_instructions = {"avx", "avx2", "fma"};
  machine.compiled_for = {"avx", "fma"};
  machine.mpi = "Open MPI v4.1.4";
  machine.gpus.none_because = "no NVIDIA driver is installed";
  machine.folder = "/home";
  machine.folder_writable = true;
  machine.disk_free_bytes = std::int64_t{5} << 30;
  machine.gnuplot = "/usr/bin/gnuplot";
  machine.sandbox = "bubblewrap 0.8.0";
  return machine;
}

}  // namespace

TEST_CASE("on a complete machine nothing is reported missing", "[cli]") {
  CHECK(lacks_of(whole_machine()).empty());
  CHECK_THAT(machine_text(whole_machine()), ContainsSubstring("nothing is missing"));
}

TEST_CASE("everything that is missing is reported with a remedy, needed or not", "[cli]") {
  const auto only_lack = [](const Machine& machine) {
    const std::vector<Lack> lacks = lacks_of(machine);
    REQUIRE(lacks.size() == 1);
    CHECK_FALSE(lacks[0].how_to_get_it.empty());
    CHECK_THAT(machine_text(machine), ContainsSubstring(lacks[0].what) && ContainsSubstring(lacks[0].how_to_get_it));
    return lacks[0];
  };
  Machine machine = whole_machine();
  machine.compiled_for.push_back("avx512f");
  CHECK(only_lack(machine).needed);
  CHECK_THAT(only_lack(machine).what, ContainsSubstring("avx512f") && !ContainsSubstring("avx "));
  machine.vector_instructions.clear();
  CHECK(lacks_of(machine).empty());

  machine = whole_machine();
  machine.folder_writable = false;
  CHECK(only_lack(machine).needed);

  machine = whole_machine();
  machine.mpi.clear();
  CHECK_FALSE(only_lack(machine).needed);
  CHECK_THAT(machine_text(machine), ContainsSubstring("no: built without MPI"));

  machine = whole_machine();
  machine.disk_free_bytes = 1000;
  CHECK_FALSE(only_lack(machine).needed);
  machine.disk_free_bytes = 0;
  CHECK(only_lack(machine).needed);

  machine = whole_machine();
  machine.gnuplot.reset();
  CHECK_FALSE(only_lack(machine).needed);
  CHECK_THAT(only_lack(machine).how_to_get_it, ContainsSubstring("gnuplot-nox"));

  machine = whole_machine();
  machine.sandbox.clear();
  machine.lacks_of_sandbox = "apt-get install bubblewrap";
  CHECK_FALSE(only_lack(machine).needed);
  CHECK_THAT(only_lack(machine).what, ContainsSubstring("evaluate"));
}

TEST_CASE("doctor says in one line how generated programs are executed", "[cli]") {
  Machine machine = whole_machine();
  CHECK_THAT(machine_text(machine), ContainsSubstring("generated programs     are executed in bubblewrap 0.8.0\n"));
  CHECK(nlohmann::json::parse(machine_json(machine))["sandbox"] == "bubblewrap 0.8.0");
  machine.sandbox.clear();
  machine.lacks_of_sandbox = "no bubblewrap";
  CHECK_THAT(machine_text(machine), ContainsSubstring("generated programs     cannot be executed\n") &&
                                        ContainsSubstring("(optional): no bubblewrap\n"));
  CHECK(nlohmann::json::parse(machine_json(machine))["sandbox"].is_null());
}

TEST_CASE("doctor lists the GPUs, or says why there is none", "[cli]") {
  Machine machine = whole_machine();
  CHECK_THAT(machine_text(machine), ContainsSubstring("CUDA                   none\n"
                                                      "GPU                    none: no NVIDIA driver is installed\n"));
  auto json = nlohmann::json::parse(machine_json(machine));
  CHECK(json["cuda"] == "none");
  CHECK(json["cuda_driver"].is_null());
  CHECK(json["gpus"].empty());
  CHECK(json["no_gpu_because"] == "no NVIDIA driver is installed");

  machine.gpus = {{{0, "NVIDIA H200", 9, 0, std::int64_t{150} << 30, std::int64_t{149} << 30},
                   {1, "Tesla V100", 7, 0, std::int64_t{16} << 30, 0}},
                  "",
                  "13.1",
                  "13.0",
                  ""};
  CHECK_THAT(machine_text(machine),
             ContainsSubstring("CUDA                   13.0, the driver supports 13.1\n"
                               "GPU                    cuda:0 NVIDIA H200, compute capability 9.0, 150.00 GiB, 149.00 "
                               "GiB free\n"
                               "GPU                    cuda:1 Tesla V100, compute capability 7.0, 16.00 GiB (too old: "
                               "the layers need 8.0 or newer)\n"));
  json = nlohmann::json::parse(machine_json(machine));
  CHECK(json["cuda"] == "13.0");
  CHECK(json["cuda_driver"] == "13.1");
  CHECK(json["no_gpu_because"].is_null());
  REQUIRE(json["gpus"].size() == 2);
  CHECK(json["gpus"][0]["device"] == "cuda:0");
  CHECK(json["gpus"][0]["compute_capability"] == "9.0");
  CHECK(json["gpus"][0]["supported"] == true);
  CHECK(json["gpus"][0]["memory_bytes"] == std::int64_t{150} << 30);
  CHECK(json["gpus"][0]["memory_free_bytes"] == std::int64_t{149} << 30);
  CHECK(json["gpus"][1]["supported"] == false);
  CHECK(lacks_of(machine).empty());
  Machine without_driver = whole_machine();
  without_driver.gpus.runtime = "13.0";
  CHECK_THAT(machine_text(without_driver), ContainsSubstring("CUDA                   13.0, no driver\n"));
  machine.gpus.lacks = "libcublas.so.13 (apt-get install libcublas-13-0)";
  CHECK_THAT(machine_text(machine),
             ContainsSubstring("cuBLAS, for models on a GPU (optional): libcublas.so.13 (apt-get install"));
}

TEST_CASE("doctor reports that this machine can run the program", "[cli]") {
  const ScratchFolder scratch;
  const Outcome outcome = run(scratch, "doctor --json", "PATH=/nowhere");
  REQUIRE(outcome.exit_code == 0);
  const auto found = nlohmann::json::parse(outcome.out);
  CHECK(found["version"] == std::to_string(moe::version_major) + "." + std::to_string(moe::version_minor) + "." +
                                std::to_string(moe::version_patch));
  CHECK(found["threads"].get<int>() >= 1);
  CHECK(found["libraries"].contains("Eigen"));
  CHECK(found["folder"] == std::filesystem::canonical(scratch.path()).native());
  CHECK(found["gnuplot"].is_null());
  CHECK(found["gpus"].empty() == found["no_gpu_because"].is_string());
  const auto gnuplot = std::find_if(found["missing"].begin(), found["missing"].end(), [](const nlohmann::json& lack) {
    return lack["how"].get<std::string>().find("gnuplot-nox") != std::string::npos;
  });
  CHECK(gnuplot != found["missing"].end());
  CHECK_THAT(run(scratch, "doctor").out, ContainsSubstring("vector instructions"));
}

TEST_CASE("doctor and --version name the instruction set, which MOE_CPU chooses", "[cli]") {
  const ScratchFolder scratch;
  const auto machine = nlohmann::json::parse(run(scratch, "doctor --json", "MOE_CPU=baseline").out);
  CHECK(machine["instruction_set"] == "baseline");
  const auto sets = machine["instruction_sets"].get<std::vector<std::string>>();
  REQUIRE_FALSE(sets.empty());
  CHECK(sets.front() == "baseline");
  for (const std::string& set : sets)
    CHECK_THAT(run(scratch, "--version", "MOE_CPU=" + set).out,
               ContainsSubstring(", layers compiled for " + set + "\n"));
  CHECK(nlohmann::json::parse(run(scratch, "doctor --json", "MOE_CPU=").out)["instruction_set"] == sets.back());
}

TEST_CASE("an instruction set that the CPU lacks ends every command with 2", "[cli]") {
  const ScratchFolder scratch;
  for (const char* command : {"doctor", "info --help", "eval --model nowhere"}) {
    const Outcome outcome = run(scratch, command, "MOE_CPU=avx1024");
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.error, ContainsSubstring("error: MOE_CPU must be an instruction set of this CPU (baseline") &&
                                  ContainsSubstring("got \"avx1024\""));
  }
}

TEST_CASE("doctor exits with 1 if something needed is missing", "[cli]") {
  const ScratchFolder scratch;
  // No file can be created there.
  const Outcome outcome = run(scratch, "doctor 2>/dev/null; code=$?; cd - >/dev/null; (exit $code)", "cd /proc &&");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.out, ContainsSubstring("(needed)"));
}

}  // namespace machine_test
