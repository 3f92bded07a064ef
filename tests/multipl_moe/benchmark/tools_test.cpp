#include "multipl_moe/benchmark/tools.hpp"

#include <sys/stat.h>

#include "../io/scratch.hpp"
#include "add_problems.hpp"
#include "support/catch.hpp"

namespace tools_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using namespace multipl_moe::testing;

namespace {

void install(const ScratchFolder& root, const std::string& file, ::mode_t mode) {
  put_bytes(root / file, "x");
  REQUIRE(::chmod((root / file).c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("the packages of every language that is not installed are named", "[benchmark][tools]") {
  const ScratchFolder root;
  CHECK(missing_packages(six_languages, root.path()) ==
        "python3 openjdk-17-jdk-headless libjavatuples-java g++ rustc libstd-rust-dev golang-go ruby");
  CHECK(missing_packages({}, root.path()).empty());
  for (const char* program : {"python3", "javac", "java", "g++", "go", "ruby"})
    install(root, std::string("usr/bin/") + program, 0755);
  // Java lacks its library, C++ and Rust the linker's driver.
  CHECK(missing_packages(six_languages, root.path()) ==
        "openjdk-17-jdk-headless libjavatuples-java g++ rustc libstd-rust-dev");
  install(root, "usr/share/java/javatuples.jar", 0644);
  install(root, "usr/bin/cc", 0755);
  CHECK(missing_packages(six_languages, root.path()) == "rustc libstd-rust-dev");
  install(root, "usr/bin/rustc", 0644);
  CHECK_FALSE(is_installed(Language::rust, root.path()));
  install(root, "usr/bin/rustc", 0755);
  CHECK(missing_packages(six_languages, root.path()).empty());
}

}  // namespace tools_test
