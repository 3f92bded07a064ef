/// The script of the packed check finds cuBLAS where CUDA or pip has put it.
#include <fstream>
#include <string>

#include "../../multipl_moe/io/scratch.hpp"
#include "bench/gpu_program/child.hpp"
#include "multipl_moe/io/file.hpp"
#include "support/catch.hpp"

namespace run_script_test {

using multipl_moe::testing::ScratchFolder;
namespace fs = std::filesystem;

namespace {

/// A packed folder whose program prints where it would look for libraries, and what it was called with.
struct Packed {
  ScratchFolder parent;
  fs::path scratch = parent / "a b";

  Packed() {
    fs::create_directory(scratch);
    fs::copy(MOE_RUN_SCRIPT, scratch / "run");
    put_program("multipl_moe_gpu_check", "#!/bin/sh\nprintf '[%s]' \"$LD_LIBRARY_PATH\" \"$@\"\n");
  }
  void put_program(const char* name, const std::string& text) const {
    const fs::path path = scratch / name;
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_all);
  }
  /// What the program prints, in an environment with these variables alone.
  std::string printed(const std::string& variables) const {
    const fs::path output = scratch / "output";
    const auto end = gpu_program::run_child("/bin/sh",
                                            {"-c", "env -i " + variables + " sh '" + (scratch / "run").native() +
                                                       "' --out 'a b' > '" + output.native() + "'"},
                                            60);
    CHECK(end.succeeded());
    return multipl_moe::read_whole_file(output, 1 << 16);
  }
};

}  // namespace

TEST_CASE("arguments reach the packed program in an empty environment") {
  const Packed packed;
  CHECK(packed.printed("").ends_with("][--out][a b]"));
}

TEST_CASE("the program that the caller names is started instead of the packed one") {
  const Packed packed;
  packed.put_program("other", "#!/bin/sh\nprintf 'other[%s]' \"$@\"\n");
  CHECK(packed.printed("MOE_GPU_CHECK='" + (packed.scratch / "other").native() + "'") == "other[--out]other[a b]");
}

#ifdef MOE_PYTHON
TEST_CASE("folders of pip that hold cuBLAS are searched, after those of LD_LIBRARY_PATH") {
  const Packed packed;
  const fs::path pip = packed.scratch / "site-packages";
  for (const char* name : {"cublas", "cudnn"}) fs::create_directories(pip / "nvidia" / name / "lib");
  std::ofstream(pip / "nvidia/cublas/lib/libcublas.so.13") << "";
  // The interpreter may need more of the environment than the script.
  packed.put_program("python3", "#!/bin/sh\nexec '" MOE_PYTHON "' \"$@\"\n");
  const std::string python = "PYTHONPATH='" + pip.native() + "' PATH='" + packed.scratch.native() + ":/usr/bin:/bin'";
  const std::string found = (pip / "nvidia/cublas/lib").native();
  const std::string alone = packed.printed(python), after = packed.printed(python + " LD_LIBRARY_PATH=/own/folder");
  CHECK(alone.find(found) != std::string::npos);
  CHECK(alone.find("cudnn") == std::string::npos);
  CHECK(alone.find("[:") == std::string::npos);
  CHECK(after.find("[/own/folder:") == 0);
  CHECK(after.find(found) != std::string::npos);
  // Another major version cannot stand in for the one that was packed.
  std::ofstream(packed.scratch / "cublas") << "libcublas.so.13\n";
  CHECK(packed.printed(python).find(found) != std::string::npos);
  std::ofstream(packed.scratch / "cublas") << "libcublas.so.12\n";
  CHECK(packed.printed(python).find(found) == std::string::npos);
}
#endif

}  // namespace run_script_test
