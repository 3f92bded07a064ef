#pragma once

#include <concepts>

#include "moe/core/index.hpp"

namespace moe {

/// Says over which experts the balance loss (eq. 8) is taken.
template <class B>
concept Balance = requires(const B& balance, Index expert) {
  { balance.counts(expert) } -> std::same_as<bool>;
};

}  // namespace moe
