#include "multipl_moe/exercises/key.hpp"

#include <string>

#include "support/catch.hpp"

namespace key_test {

using namespace multipl_moe;
using namespace multipl_moe::exercises;

TEST_CASE("a tenth of all keys is nowhere, a tenth is for transfer, and dev and test share them", "[exercises]") {
  constexpr int count = 20'000;
  std::array<int, 3> strata{}, sets{};
  for (int i = 0; i < count; ++i) {
    const Key key = "fold sum above " + std::to_string(i);
    ++strata[static_cast<std::size_t>(stratum_of(key))];
    ++sets[static_cast<std::size_t>(set_of(key))];
    CHECK((set_of(key) == Set::wording) == (stratum_of(key) == Stratum::wording));
  }
  const auto is_near = [](int found, double share) { return std::abs(found - share * count) < 0.01 * count; };
  CHECK(is_near(strata[0], 0.1));
  CHECK(is_near(strata[1], 0.1));
  CHECK(is_near(sets[0], 0.1));
  CHECK(is_near(sets[1], 0.1));
}

TEST_CASE("training text has no key of nowhere, and those of transfer in high-resource languages only", "[exercises]") {
  std::array<bool, 3> seen{};
  for (int i = 0; i < 100; ++i) {
    const Key key = "choice above plus " + std::to_string(i);
    const Stratum stratum = stratum_of(key);
    seen[static_cast<std::size_t>(stratum)] = true;
    CHECK(is_for_training(key, Resource::high) == (stratum != Stratum::nowhere));
    CHECK(is_for_training(key, Resource::low) == (stratum == Stratum::wording));
  }
  CHECK(seen == std::array{true, true, true});
}

}  // namespace key_test
