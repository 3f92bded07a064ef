/// trainer_state.json: the state besides weights and moments that a run needs to resume bitwise identically.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "multipl_moe/train/run_settings.hpp"

namespace multipl_moe {

struct TrainerState {
  std::int64_t step = 0;              ///< steps done, including skipped ones; step of the learning rate schedule
  std::int64_t updates = 0;           ///< steps that updated the weights; step of AdamW
  std::int64_t skipped = 0;           ///< steps skipped because the loss or gradient was not finite
  std::int64_t skipped_in_a_row = 0;  ///< consecutive skipped steps up to now
  std::int64_t last_good_step = 0;    ///< step of the newest checkpoint from which a finite step was taken; 0: none
  std::int64_t next_sequence = 0;     ///< index in the BatchStream
  RunSettings settings;

  bool operator==(const TrainerState&) const = default;
};

std::string to_json_text(const TrainerState& state);

/// Throws BadFile with the field, the rule and the value found.
TrainerState parse_trainer_state(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe
