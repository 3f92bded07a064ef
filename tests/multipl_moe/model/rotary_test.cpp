#include "multipl_moe/model/rotary.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace rotary_test {

using namespace multipl_moe;
using Catch::Approx;

TEST_CASE("channel i turns with channel i + half by position over theta^(2i/d)", "[model]") {
  const RotaryTable<double> table(8, 4, 100);
  std::vector<double> head{1, 2, 3, 4};
  table.turn({head.data(), 4}, 5, 1);
  const double a = 5, b = 5.0 / 10;
  CHECK(head[0] == Approx(1 * std::cos(a) - 3 * std::sin(a)));
  CHECK(head[2] == Approx(3 * std::cos(a) + 1 * std::sin(a)));
  CHECK(head[1] == Approx(2 * std::cos(b) - 4 * std::sin(b)));
  CHECK(head[3] == Approx(4 * std::cos(b) + 2 * std::sin(b)));
  table.turn({head.data(), 4}, 5, -1);
  for (int i = 0; i < 4; ++i) CHECK(head[static_cast<std::size_t>(i)] == Approx(i + 1));
}

TEST_CASE("a table may begin anywhere", "[model]") {
  std::vector<double> one{1, 2, 3, 4, 5, 6, 7, 8}, other = one;
  RotaryTable<double>(20, 4, 1e6).turn({one.data(), 8}, 17, 1);
  RotaryTable<double>(1, 4, 1e6, 17).turn({other.data(), 8}, 0, 1);
  CHECK(one == other);
}

}  // namespace rotary_test
