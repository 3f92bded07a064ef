/// Options of `upcycle` for the mixture that a dense model becomes. An option that is not given leaves the
/// architecture's own setting; one that has no effect in the requested mixture is refused.
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
  /// Adds --arch, and the flag of every mixture setting that has one.
  void add_to(CLI::App& command);

  /// The mixture for a dense FFN of `intermediate_size` channels. Throws UsageError for an option of another
  /// architecture, naming both, and if a boundary window needs a newline for which `tokenizer` has no single token.
  MoeConfig mixture(std::int64_t intermediate_size, const Tokenizer& tokenizer) const;

 private:
  std::string architecture_ = "causal-multipl-moe";
  MoeConfig given_;
  std::vector<std::pair<const CLI::Option*, const MixtureSetting*>> options_;
};

/// Options for the start of weights that are not copied from the dense model.
class StartOptions {
 public:
  /// Adds --noise, --reinitialize, --router-deviation and --seed.
  void add_to(CLI::App& command);

  /// Throws UsageError for an option that has no effect in `mixture`.
  moe::Upcycling start(const MoeConfig& mixture) const;

 private:
  std::optional<double> noise_deviation_, reinitialized_, router_deviation_;
  std::uint64_t seed_ = 0;
};

}  // namespace multipl_moe
