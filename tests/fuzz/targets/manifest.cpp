#include "multipl_moe/io/manifest.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered manifest("manifest", [](std::string_view bytes) {
  const auto stamps = value_or_refusal([&] { return parse_manifest(bytes, "MANIFEST"); });
  if (!stamps) return false;
  require(parse_manifest(to_text(*stamps), "MANIFEST") == *stamps, "a written manifest reads back equal");
  for (const auto& [name, stamp] : *stamps)
    require(!name.empty() && name.find('/') == name.npos && name != "..", "names stay in the folder");
  return true;
});

}  // namespace multipl_moe::fuzz
