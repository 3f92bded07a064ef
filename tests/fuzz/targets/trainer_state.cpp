#include "multipl_moe/train/trainer_state.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered trainer_state("trainer_state", [](std::string_view bytes) {
  const auto state = value_or_refusal([&] { return parse_trainer_state(bytes, "trainer_state.json"); });
  if (!state) return false;
  require(parse_trainer_state(to_json_text(*state), "again") == *state, "a written state reads back equal");
  return true;
});

}  // namespace multipl_moe::fuzz
