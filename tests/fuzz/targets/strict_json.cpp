#include "multipl_moe/io/strict_json.hpp"

#include <nlohmann/json.hpp>

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered strict_json("strict_json", [](std::string_view bytes) {
  const auto json = value_or_refusal([&] { return parse_strict_json(bytes, "file.json"); });
  if (!json) return false;
  require(parse_strict_json(json->dump(), "again") == *json, "written JSON reads back equal");
  return true;
});

}  // namespace multipl_moe::fuzz
