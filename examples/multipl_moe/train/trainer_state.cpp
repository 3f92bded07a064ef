#include "multipl_moe/train/trainer_state.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t format_version = 1;

RunSettings parse_settings(const nlohmann::json& json, const std::filesystem::path& path) {
  const auto found = json.find("settings");
  if (found == json.end() || !found->is_object()) throw BadFile(path, "settings must be an object");
  RunSettings settings;
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string())
      throw BadFile(path, fmt::format("settings.{} must be a string, found {}", escaped(name), value.type_name()));
    settings[name] = value.get<std::string>();
  }
  return settings;
}

void check(const TrainerState& s, const std::filesystem::path& path) {
  const auto within = [](std::int64_t value, std::int64_t limit) { return value >= 0 && value <= limit; };
  const bool consistent = within(s.skipped, s.step) && s.updates == s.step - s.skipped &&
                          within(s.skipped_in_a_row, s.skipped) && within(s.last_good_step, s.step) &&
                          within(s.step, s.next_sequence);
  if (!consistent)
    throw BadFile(path,
                  fmt::format("global_step must be updates + skipped, and at most next_sequence, found {}, {}, {} ({} "
                              "in a row, last good step {}), {}",
                              s.step, s.updates, s.skipped, s.skipped_in_a_row, s.last_good_step, s.next_sequence));
}

}  // namespace

std::string to_json_text(const TrainerState& state) {
  nlohmann::ordered_json json{{"format", format_version},
                              {"global_step", state.step},
                              {"updates", state.updates},
                              {"skipped", state.skipped},
                              {"skipped_in_a_row", state.skipped_in_a_row},
                              {"last_good_step", state.last_good_step},
                              {"next_sequence", state.next_sequence},
                              {"settings", state.settings}};
  return json.dump(2) + "\n";
}

TrainerState parse_trainer_state(std::string_view text, const std::filesystem::path& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  const Fields fields(json, path, "");
  if (const std::int64_t format = fields.integer("format"); format != format_version)
    throw BadFile(path, fmt::format("format must be {}, found {}", format_version, format));
  TrainerState state{.step = fields.integer("global_step"),
                     .updates = fields.integer("updates"),
                     .skipped = fields.integer("skipped"),
                     .skipped_in_a_row = fields.integer("skipped_in_a_row"),
                     .last_good_step = fields.integer("last_good_step"),
                     .next_sequence = fields.integer("next_sequence"),
                     .settings = parse_settings(json, path)};
  check(state, path);
  return state;
}

}  // namespace multipl_moe
