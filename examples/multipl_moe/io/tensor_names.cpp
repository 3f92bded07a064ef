#include "multipl_moe/io/tensor_names.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace multipl_moe {

namespace {

/// The parts of `<layer>.mlp.experts.<number>.<projection>.weight`.
struct ExpertName {
  std::string_view layer;
  std::int64_t number = 0;
  std::string_view projection;
};

std::optional<ExpertName> expert_name(std::string_view name) {
  constexpr std::string_view experts = ".mlp.experts.", weight = ".weight";
  const std::size_t at = name.find(experts);
  if (at == name.npos || !name.ends_with(weight)) return std::nullopt;
  ExpertName result{name.substr(0, at), 0, {}};
  const std::string_view rest = name.substr(at + experts.size(), name.size() - at - experts.size() - weight.size());
  const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), result.number);
  if (failed != std::errc() || end == rest.data() + rest.size() || *end != '.') return std::nullopt;
  result.projection = rest.substr(static_cast<std::size_t>(end - rest.data()) + 1);
  const bool is_known =
      result.projection == "gate_proj" || result.projection == "up_proj" || result.projection == "down_proj";
  return is_known ? std::optional(result) : std::nullopt;
}

/// An expert's part of the fused tensor that holds all experts.
StoredPart fused_part(const ExpertName& expert, std::span<const std::int64_t> shape, std::int64_t experts) {
  // If a product wraps around, no file has a tensor of that shape.
  const auto rows = static_cast<std::uint64_t>(shape[0]), cols = static_cast<std::uint64_t>(shape[1]),
             number = static_cast<std::uint64_t>(expert.number);
  if (expert.projection == "down_proj")
    return {fmt::format("{}.mlp.experts.down_proj", expert.layer), {experts, shape[0], shape[1]}, number * rows * cols};
  const std::uint64_t row = 2 * rows * number + (expert.projection == "up_proj" ? rows : 0);
  return {fmt::format("{}.mlp.experts.gate_up_proj", expert.layer), {experts, 2 * shape[0], shape[1]}, row * cols};
}

}  // namespace

std::string mixtral_name(std::string_view name) {
  constexpr std::string_view gate = ".mlp.gate.weight";
  if (const auto expert = expert_name(name)) {
    const char* const number = expert->projection == "gate_proj" ? "w1" : expert->projection == "up_proj" ? "w3" : "w2";
    return fmt::format("{}.block_sparse_moe.experts.{}.{}.weight", expert->layer, expert->number, number);
  }
  if (name.ends_with(gate))
    return fmt::format("{}.block_sparse_moe.gate.weight", name.substr(0, name.size() - gate.size()));
  return std::string(name);
}

std::vector<StoredPart> stored_parts(std::string_view name, std::span<const std::int64_t> shape, std::int64_t experts) {
  std::vector<StoredPart> parts{{std::string(name), {shape.begin(), shape.end()}, 0}};
  if (std::string other = mixtral_name(name); other != name)
    parts.push_back({std::move(other), parts.front().shape, 0});
  if (const auto expert = expert_name(name); expert && shape.size() == 2)
    parts.push_back(fused_part(*expert, shape, experts));
  return parts;
}

}  // namespace multipl_moe
