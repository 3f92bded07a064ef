#include "multipl_moe/cli/mixture_options.hpp"

#include <fmt/format.h>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

template <class Value>
bool holds(const MixtureSetting& setting) {
  return std::holds_alternative<Value MoeConfig::*>(setting.field);
}

/// The check of a flag's value: the choices of a text, the sign of a number.
CLI::Validator check_of(const MixtureSetting& setting) {
  if (!setting.choices.empty())
    return CLI::IsMember(std::vector<std::string>(setting.choices.begin(), setting.choices.end()));
  if (holds<std::vector<std::string>>(setting) || holds<bool>(setting)) return CLI::Validator();
  if (setting.most <= 1) return CLI::Range(0.0, 1.0);
  return setting.least > 0 ? above_zero() : not_negative();
}

/// The token of a newline. Throws UsageError unless the tokenizer has one token for it.
std::int64_t newline_of(const Tokenizer& tokenizer) {
  const std::vector<Token> tokens = tokenizer.encode("\n");
  if (tokens.size() != 1)
    throw UsageError(fmt::format(
        "[upcycle] a newline must be one token of the model's tokenizer, found {} tokens; give --boundary-token",
        tokens.size()));
  return tokens.front();
}

}  // namespace

void MixtureOptions::add_to(CLI::App& command) {
  command.add_option("--arch", architecture_, "architecture of the new model")
      ->capture_default_str()
      ->check(CLI::IsMember(mixture_names()));
  for (const MixtureSetting* setting : mixture_settings()) {
    if (setting->flag.empty()) continue;
    CLI::Option* const option = std::visit(
        [&](auto field) {
          if constexpr (std::is_same_v<decltype(field), bool MoeConfig::*>)
            return command.add_flag(std::string(setting->flag), given_.*field, std::string(setting->help));
          else
            return command.add_option(std::string(setting->flag), given_.*field, std::string(setting->help));
        },
        setting->field);
    option->check(check_of(*setting));
    if (!setting->former_choice.first.empty())
      option->transform(CLI::Validator(
          [setting](std::string& value) {
            value = current_spelling(*setting, std::move(value));
            return std::string();
          },
          ""));
    if (holds<std::vector<std::string>>(*setting)) option->delimiter(',');
    options_.emplace_back(option, setting);
  }
}

MoeConfig MixtureOptions::mixture(std::int64_t intermediate_size, const Tokenizer& tokenizer) const {
  MoeConfig moe = mixture_named(architecture_, intermediate_size).value();
  bool has_boundary = false;
  // In the order of mixture_settings(): a setting that another one needs comes first.
  for (const auto& [option, setting] : options_) {
    // --print-config prints a flag that is not given as `false`.
    const auto* const flag = std::get_if<bool MoeConfig::*>(&setting->field);
    if (option->count() == 0 || (flag != nullptr && !(given_.**flag))) continue;
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
      .add_option(
          "--noise", noise_deviation_,
          "standard deviation of the noise added to the weights of trainable experts, so that copies differ [0]")
      ->check(CLI::Range(0.0, 1e3));
  command
      .add_option("--reinitialize", reinitialized_,
                  "fraction of the inner channels of trainable experts that is initialized again at random "
                  "(Drop-Upcycling) [0]")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--router-deviation", router_deviation_, "standard deviation of the routers' initial weights [0.02]")
      ->check(CLI::Range(0.0, 1e3));
  command.add_option("--seed", seed_, "random seed of routers, adapters and noise")->capture_default_str();
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
  take("--reinitialize", reinitialized_, start.reinitialized);
  take("--router-deviation", router_deviation_, start.router_deviation);
  return start;
}

}  // namespace multipl_moe
