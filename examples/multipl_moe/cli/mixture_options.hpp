/// What upcycle is told of the mixture that a dense model becomes. An option that was not given leaves the
/// architecture's own setting; one that decides nothing in what was asked for is refused.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moe/train/upcycle.hpp"
#include "multipl_moe/io/mixture_settings.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

class MixtureOptions {
 public:
  /// --arch, and a flag for every setting of mixtures that has one.
  void add_to(CLI::App& command);

  /// Throws UsageError that names flag and architecture for an option of another one, and where a boundary window needs
  /// a newline and `tokenizer` has no one token for it.
  MoeConfig mixture(std::int64_t intermediate_size, const Tokenizer& tokenizer) const;

 private:
  std::string architecture_ = "causal-multipl-moe";
  MoeConfig given_;
  std::vector<std::pair<const CLI::Option*, const MixtureSetting*>> options_;
};

/// How what is not copied from the dense model starts.
class StartOptions {
 public:
  /// --noise, --reinitialize, --router-deviation and --seed.
  void add_to(CLI::App& command);

  /// Throws UsageError where `mixture` has nothing that an option would change.
  moe::Upcycling start(const MoeConfig& mixture) const;

 private:
  std::optional<double> noise_deviation_, reinitialized_, router_deviation_;
  std::uint64_t seed_ = 0;
};

}  // namespace multipl_moe
