#include "multipl_moe/cli/mixture_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

struct Described {
  std::string_view flag;
  const char* text;
  CLI::Validator check;
};

std::vector<Described> described_settings() {
  return {
      {"--router", "of a MultiPL-MoE's tokens: shared-top-k, or top-k (no expert is shared or frozen)",
       CLI::IsMember({"shared-top-k", "top-k"})},
      {"--token-experts", "experts of the token level [the architecture's]", above_zero()},
      {"--segment-experts", "experts of the segment level", above_zero()},
      {"--experts-per-token", "K, the shared expert included", above_zero()},
      {"--shared-expert", "index of the expert that is always chosen and frozen", not_negative()},
      {"--segmenter", "fixed-window, or boundary-window (a segment may end early, after the boundary token)",
       CLI::IsMember({"fixed-window", "boundary-window"})},
      {"--segment-window", "tokens in a segment, at most", above_zero()},
      {"--minimum-window", "tokens in a boundary window, at least [16]", above_zero()},
      {"--boundary-token", "that ends a boundary window [the tokenizer's newline]", not_negative()},
      {"--expert-cap", "experts that may share a segment, for multipl-moe-released [4]", above_zero()},
      {"--capacity-factor", "c: an expert takes floor(V c / N) of V segments", above_zero()},
      {"--fusion",
       "fixed: the two weights as they are; normalised: divided by what acted; scalar, channel, matrix: learned from "
       "there",
       CLI::IsMember({"fixed", "normalised", "scalar", "channel", "matrix"})},
      {"--token-weight", "of the token level [0.7]", above_zero()},
      {"--segment-weight", "of the segment level [0.3]", not_negative()},
      {"--balance", "experts in the balance loss: all (the paper), or routed", CLI::IsMember({"all", "routed"})},
      {"--threshold-beta", "decay of the inference thresholds", CLI::Range(0.0, 1.0)},
      {"--expert-capacity", "room of gshard's experts in training, in multiples of an even share; 0: no limit [1.25]",
       not_negative()},
      {"--random-choice", "on: gshard keeps a token's further choices by chance in training [on]",
       CLI::IsMember({"on", "off"})},
      {"--lora-rank", "r of lora's adapters [8]", above_zero()},
      {"--lora-alpha", "alpha of lora's adapters: they count alpha / r [16]", above_zero()},
      {"--languages", "with an adapter of their own in mole [python,java,cpp,rust,go,ruby]", CLI::Validator()},
      {"--language-rank", "r of a language's adapter in mole [16]", above_zero()},
      {"--language-alpha", "alpha of a language's adapter: it counts alpha / sqrt(r) [16]", above_zero()},
      {"--shared-rank", "r of the adapter that languages share in mole; that of other text has the sum [48]",
       above_zero()},
      {"--shared-alpha", "alpha of the shared adapter and of other text's [32]", above_zero()},
  };
}

const MixtureSetting& setting_of(std::string_view flag) {
  const auto all = mixture_settings();
  return *std::find_if(all.begin(), all.end(), [flag](const MixtureSetting& s) { return s.flag == flag; });
}

/// The token that a line ends with.
std::int64_t newline_of(const Tokenizer& tokenizer) {
  const std::vector<Token> tokens = tokenizer.encode("\n");
  if (tokens.size() != 1)
    throw UsageError(
        fmt::format("[upcycle] a newline must be one token of the model's tokenizer where --boundary-token is not "
                    "given, found {}",
                    tokens.size()));
  return tokens.front();
}

}  // namespace

void MixtureOptions::add_to(CLI::App& command) {
  command.add_option("--arch", architecture_, "what to become")
      ->capture_default_str()
      ->check(CLI::IsMember(mixture_names()));
  for (const Described& described : described_settings()) {
    const MixtureSetting& setting = setting_of(described.flag);
    CLI::Option* const option = std::visit(
        [&](auto field) { return command.add_option(std::string(setting.flag), given_.*field, described.text); },
        setting.field);
    option->check(described.check);
    if (std::holds_alternative<std::vector<std::string> MoeConfig::*>(setting.field)) option->delimiter(',');
    options_.emplace_back(option, &setting);
  }
}

MoeConfig MixtureOptions::mixture(std::int64_t intermediate_size, const Tokenizer& tokenizer) const {
  MoeConfig moe = mixture_named(architecture_, intermediate_size).value();
  bool has_boundary = false;
  // In the table's order: what a setting needs has been taken before it.
  for (const auto& [option, setting] : options_) {
    if (option->count() == 0) continue;
    if (!applies(*setting, moe))
      throw UsageError(fmt::format("[{}] is {}", setting->flag, where_it_applies(*setting, moe)));
    std::visit([&](auto field) { moe.*field = given_.*field; }, setting->field);
    has_boundary |= setting->flag == "--boundary-token";
  }
  if (moe.segmenter == "boundary-window" && !has_boundary) moe.segment_boundary_token = newline_of(tokenizer);
  return moe;
}

void StartOptions::add_to(CLI::App& command) {
  command
      .add_option("--noise", noise_deviation_,
                  "deviation of what is added to the weights of experts that train, so that copies differ [0]")
      ->check(CLI::Range(0.0, 1e3));
  command
      .add_option("--reinitialise", reinitialised_,
                  "share of the inner channels of experts that train which is drawn anew (Drop-Upcycling) [0]")
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--router-deviation", router_deviation_, "of the routers' first weights [0.02]")
      ->check(CLI::Range(0.0, 1e3));
  command.add_option("--seed", seed_, "of routers, adapters and noise")->capture_default_str();
}

moe::Upcycling StartOptions::start(const MoeConfig& mixture) const {
  moe::Upcycling start{.seed = seed_};
  const auto take = [&](const char* flag, const std::optional<double>& given, double& value) {
    if (!given) return;
    if (mixture.is_adapted())
      throw UsageError(fmt::format("[{}] is a setting of architectures with experts and a router, found --arch {}",
                                   flag, mixture.architecture));
    value = *given;
  };
  take("--noise", noise_deviation_, start.noise_deviation);
  take("--reinitialise", reinitialised_, start.reinitialised);
  take("--router-deviation", router_deviation_, start.router_deviation);
  return start;
}

}  // namespace multipl_moe
