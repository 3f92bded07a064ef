/// Which tensors make the outputs of experts.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace multipl_moe::probe {

/// An expert that a router selects for a token or for a segment, or one that processes every token by design.
enum class ExpertKind { token, segment, shared };

constexpr std::string_view name_of(ExpertKind kind) {
  return kind == ExpertKind::token ? "token" : kind == ExpertKind::segment ? "segment" : "shared";
}

struct ExpertPlace {
  std::int64_t layer = 0;
  ExpertKind kind = ExpertKind::token;
  std::int64_t expert = 0;  ///< index at its level; 0 for a shared expert beside the level's experts

  friend bool operator==(const ExpertPlace&, const ExpertPlace&) = default;
};

/// The expert whose output is 0 if all values of the tensor of this name are: that of the down projection, such as
/// `model.layers.3.mlp.segment.experts.5.down_proj.weight`. Empty for other tensors, adapters included. A shared expert
/// among the token experts is not told from them.
inline std::optional<ExpertPlace> expert_of_output(std::string_view name) {
  const auto skip = [&name](std::string_view text) {
    const bool is_there = name.starts_with(text);
    if (is_there) name.remove_prefix(text.size());
    return is_there;
  };
  const auto read = [&name](std::int64_t& number) {
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc()) return false;
    name.remove_prefix(static_cast<std::size_t>(end - name.data()));
    return true;
  };
  ExpertPlace place;
  if (!skip("model.layers.") || !read(place.layer) || !skip(".mlp.")) return std::nullopt;
  if (skip("segment."))
    place.kind = ExpertKind::segment;
  else
    skip("token.");
  if (skip("shared_expert."))
    place.kind = ExpertKind::shared;
  else if (!skip("experts.") || !read(place.expert) || !skip("."))
    return std::nullopt;
  if (!skip("down_proj.weight") || !name.empty()) return std::nullopt;
  return place;
}

}  // namespace multipl_moe::probe
