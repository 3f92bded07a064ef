#include "multipl_moe/io/model_config.hpp"
#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered model_config("model_config", [](std::string_view bytes) {
  const auto config = value_or_refusal([&] { return parse_config(bytes, "config.json"); });
  if (!config) return false;
  require(!fault_in(*config), "a parsed config has no fault");
  // Only the fields that the architecture uses are written; the others are lost.
  const std::string text = to_json_text(*config);
  require(to_json_text(parse_config(text, "config.json")) == text, "a second round trip does not change a config");
  return true;
});

}  // namespace multipl_moe::fuzz
