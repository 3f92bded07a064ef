/// trainer_state.json: what a run needs, beside weights and moments, to go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "multipl_moe/train/run_settings.hpp"

namespace multipl_moe {

struct TrainerState {
  std::int64_t step = 0;              ///< steps done, skipped ones included; the schedule's clock
  std::int64_t updates = 0;           ///< steps in which the weights moved; AdamW's clock
  std::int64_t skipped = 0;           ///< because loss or gradient was not finite
  std::int64_t skipped_in_a_row = 0;  ///< the last ones of them
  std::int64_t last_good_step = 0;    ///< of the newest checkpoint from which a finite step was taken; 0: none
  std::int64_t next_sequence = 0;     ///< of the BatchStream
  RunSettings settings;

  bool operator==(const TrainerState&) const = default;
};

std::string to_json_text(const TrainerState& state);

/// Throws BadFile that names the field, the rule and the value.
TrainerState parse_trainer_state(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe
