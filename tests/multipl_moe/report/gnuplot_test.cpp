#include "multipl_moe/report/gnuplot.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include "../io/scratch.hpp"
#include "../support/stderr_capture.hpp"
#include "support/catch.hpp"

namespace gnuplot_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Replaces PATH during its lifetime.
class OtherPath {
 public:
  explicit OtherPath(const std::string& path) : before_(std::getenv("PATH")) { ::setenv("PATH", path.c_str(), 1); }
  ~OtherPath() { ::setenv("PATH", before_.c_str(), 1); }
  OtherPath(const OtherPath&) = delete;
  OtherPath& operator=(const OtherPath&) = delete;

 private:
  std::string before_;
};

const Picture line{.name = "line",
                   .width = 300,
                   .height = 200,
                   .data = "$d << EOD\n1 2\n3 4\nEOD\n",
                   .commands = "plot $d with lines title 'it'\n"};

}  // namespace

TEST_CASE("a program is the first executable file of its name in PATH", "[report]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "a/tool", "text");
  put_bytes(scratch / "b/tool", "#!/bin/sh\n");
  std::filesystem::create_directories(scratch / "c/tool");
  ::chmod((scratch / "b/tool").c_str(), 0755);
  const std::string root = scratch.path().native();
  {
    const OtherPath path(root + "/c:" + root + "/nowhere:" + root + "/a:" + root + "/b");
    CHECK(find_program("tool") == scratch / "b/tool");
    CHECK_FALSE(find_program("other"));
  }
  const OtherPath path("");
  CHECK_FALSE(find_program("tool"));
}

TEST_CASE("text in a script cannot leave its quotes", "[report]") {
  CHECK(plot_text("it's") == "'it''s'");
  CHECK(plot_text("a\nb") == "'a\\x0ab'");
}

TEST_CASE("without gnuplot the scripts are written and a notice names what is missing", "[report]") {
  const ScratchFolder scratch;
  const OtherPath path(scratch.path());
  const StderrCapture capture;
  draw_pictures(scratch.path(), {line});
  CHECK_THAT(capture.text(), ContainsSubstring("gnuplot-nox"));
  CHECK_THAT(get_bytes(scratch / "line.gp"), ContainsSubstring("line.svg") && ContainsSubstring("line.png"));
  CHECK_FALSE(std::filesystem::exists(scratch / "line.png"));
}

TEST_CASE("gnuplot draws both files, and a picture that it cannot draw is reported", "[report]") {
  if (!find_program("gnuplot")) {
    WARN("skipped: gnuplot is not installed");
    return;
  }
  const ScratchFolder scratch;
  const StderrCapture capture;
  Picture broken = line;
  broken.name = "broken";
  broken.commands = "no such command\n";
  draw_pictures(scratch.path(), {line, broken});
  CHECK(get_bytes(scratch / "line.png").starts_with("\x89PNG"));
  CHECK_THAT(get_bytes(scratch / "line.svg"), ContainsSubstring("</svg>"));
  CHECK_THAT(capture.text(), ContainsSubstring("broken.gp") && !ContainsSubstring("line.gp"));
}

}  // namespace gnuplot_test
