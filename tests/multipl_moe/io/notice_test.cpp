#include "multipl_moe/io/notice.hpp"

#include "../support/stderr_capture.hpp"
#include "support/catch.hpp"

namespace notice_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("a notice is written to stderr at once", "[io]") {
  const StderrCapture capture;
  notice("step {}/{}\n", 1, 2);
  notice("{} stays as it is\n");
  CHECK(capture.text() == "step 1/2\n{} stays as it is\n");
}

TEST_CASE("a notice that cannot be written is dropped without an error", "[io]") {
  {
    const StderrCapture full("/dev/full");
    CHECK_NOTHROW(notice("lost {}\n", 1));
  }
  const StderrCapture capture;
  notice("heard\n");
  CHECK(capture.text() == "heard\n");
}

}  // namespace notice_test
