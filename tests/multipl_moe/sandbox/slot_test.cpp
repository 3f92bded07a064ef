#include "multipl_moe/sandbox/slot.hpp"

#include <set>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace slot_test {

using namespace multipl_moe::sandbox;

TEST_CASE("no two holders have the same slot, and a slot that is given back is free", "[sandbox]") {
  std::set<int> numbers;
  std::string name;
  {
    const std::vector<SlotLock> first = lock_slots(3), second = lock_slots(2);
    for (const auto* slots : {&first, &second})
      for (const SlotLock& slot : *slots) {
        CHECK(numbers.insert(slot.number).second);
        CHECK(slot.name.ends_with("-" + std::to_string(slot.number)));
      }
    CHECK(numbers.size() == 5);
    name = first.front().name;
    CHECK_FALSE(is_left(name, second));
    CHECK(is_left(name, first));
  }
  CHECK(is_left(name, {}));
  CHECK_FALSE(is_left("another-name", {}));
  CHECK_FALSE(is_left("", {}));
}

TEST_CASE("more slots than a machine has are refused", "[sandbox]") {
  CHECK_THROWS_AS(lock_slots(2000), multipl_moe::Failure);
}

}  // namespace slot_test
