#include "multipl_moe/io/generation_config.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered generation_config("generation_config", [](std::string_view bytes) {
  const auto config = value_or_refusal([&] { return parse_generation_config(bytes, "generation_config.json"); });
  if (!config) return false;
  require(parse_generation_config(to_json_text(*config), "again") == *config, "a written config reads back equal");
  return true;
});

}  // namespace multipl_moe::fuzz
