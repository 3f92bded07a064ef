#include "moe/experts/weight_list.hpp"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"

namespace weight_list_test {

using namespace moe;

TEST_CASE("a weight list views the experts of both spans, the first span first", "[ops]") {
  using X = SwiGlu<float, Cpu<>>;
  std::vector<X> some, more;
  some.emplace_back(2, 3);
  some.emplace_back(2, 3);
  more.emplace_back(2, 5);
  const ExpertSpan<const X> experts{std::span<const X>(some), std::span<const X>(more)};
  const WeightList<View<const float, Cpu<>>, Cpu<>> list({}, experts, &X::up_proj);
  const ListView<View<const float, Cpu<>>> views = list;
  REQUIRE(views.size == 3);
  CHECK(views[0].data == some[0].up_proj.data());
  CHECK(views[1].data == some[1].up_proj.data());
  CHECK(views[2].data == more[0].up_proj.data());
  CHECK(views[2].rows == 5);
}

}  // namespace weight_list_test
