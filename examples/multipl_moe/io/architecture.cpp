#include "multipl_moe/io/architecture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

bool Architecture::has(const MixtureSetting& setting) const {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const MixtureSetting* own) { return own->key == setting.key; });
}

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture* architecture : architectures())
    if (architecture->name == name) return architecture;
  return nullptr;
}

const Architecture& architecture_named(std::string_view name) {
  if (const Architecture* const architecture = find_architecture(name)) return *architecture;
  throw UsageError(fmt::format("[architecture] must be one of dense, {}, found '{}'", fmt::join(mixture_names(), ", "),
                               escaped(name)));
}

std::vector<std::string> mixture_names() {
  std::vector<std::string> names;
  for (const Architecture* architecture : architectures()) names.emplace_back(architecture->name);
  return names;
}

std::optional<MoeConfig> mixture_named(std::string_view architecture, std::int64_t intermediate_size) {
  if (architecture == "dense") return std::nullopt;
  const Architecture& own = architecture_named(architecture);
  MoeConfig moe{.architecture = std::string(architecture)};
  own.publish(moe, intermediate_size);
  return moe;
}

bool MoeConfig::is_adapted() const { return architecture_named(architecture).is_adapted; }

}  // namespace multipl_moe
