#pragma once

#include <concepts>

#include "moe/core/index.hpp"

namespace moe {

/// Says over which experts the balance loss (eq. 8) is taken.
template <class B>
concept Balance = requires(const B& balance, Index expert) {
  { balance.counts(expert) } -> std::same_as<bool>;
};

/// A balance that leaves out the expert that every row chooses: `static constexpr bool leaves_out_shared = true`.
template <class B>
concept LeavesOutShared = Balance<B> && requires {
  requires B::leaves_out_shared;
};

}  // namespace moe
