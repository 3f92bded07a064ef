#include "multipl_moe/reproduce/claims.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered claims("claims", [](std::string_view bytes) {
  const auto parsed = value_or_refusal([&] { return reproduce::parse_claims(bytes, "claims.toml"); });
  if (!parsed) return false;
  for (const reproduce::Claim& claim : *parsed) {
    require(!claim.id.empty() && !claim.a.empty() && !claim.languages.empty(),
            "a claim has a name, a system, languages");
    require(claim.b.empty() != (claim.measure == reproduce::Measure::score), "scores are compared, routing is not");
    require(claim.margin >= 0 && claim.text_margin >= 0, "a margin is a size");
    for (const std::string& group : claim.languages)
      require(!reproduce::languages_of_group(group).empty(), "a group has languages");
  }
  return true;
});

}  // namespace multipl_moe::fuzz
