#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

std::optional<int> exit_code_of(const std::exception& error) {
  if (const auto* own = dynamic_cast<const ProgramError*>(&error)) return own->exit_code();
  if (dynamic_cast<const ValueTooLarge*>(&error) != nullptr) return 2;
  if (dynamic_cast<const BadFile*>(&error) != nullptr) return 3;
  if (dynamic_cast<const IoError*>(&error) != nullptr) return 5;
  return std::nullopt;
}

}  // namespace multipl_moe
