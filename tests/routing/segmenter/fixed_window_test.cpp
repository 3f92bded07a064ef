#include "moe/routing/segmenter/fixed_window.hpp"

#include "moe/routing/segmenter/segmenter.hpp"
#include "support/catch.hpp"

namespace fixed_window_test {

using namespace moe;
static_assert(Segmenter<FixedWindow>);

TEST_CASE("a window ends at its length, whatever the tokens", "[policies]") {
  const FixedWindow windows{.window = 3};
  CHECK_FALSE(windows.ends_after(1, 7));
  CHECK_FALSE(windows.ends_after(2, -1));
  CHECK(windows.ends_after(3, 7));
  CHECK(FixedWindow{.window = 1}.ends_after(1, -1));
}

}  // namespace fixed_window_test
