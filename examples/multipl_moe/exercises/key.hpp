/// What makes two functions the same exercise, and which exercises training may contain.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe::exercises {

/// The part of a benchmark that a problem belongs to.
enum class Stratum : std::uint8_t {
  nowhere,   ///< its key is in no training text
  transfer,  ///< its key is in training text of high-resource languages only
  wording    ///< its key may be in any training text, but its sentence has a form that none there has
};

inline constexpr std::array all_strata{Stratum::nowhere, Stratum::transfer, Stratum::wording};

constexpr std::string_view name_of(Stratum stratum) {
  return std::array<std::string_view, 3>{"nowhere", "transfer", "wording"}[static_cast<std::size_t>(stratum)];
}

enum class Set : std::uint8_t { dev, test, wording };

inline constexpr std::array all_sets{Set::dev, Set::test, Set::wording};

constexpr std::string_view name_of(Set set) {
  return std::array<std::string_view, 3>{"dev", "test", "wording"}[static_cast<std::size_t>(set)];
}

/// Family, operators and constants of a function, such as "fold squares divisible 7". Names and wording do not count.
using Key = std::string;

/// Depends on the key alone, so that the training text of one seed contains no problem of another.
inline Stratum stratum_of(const Key& key) {
  constexpr std::uint64_t stratum_key = 0x73747261;
  const std::uint64_t tenth = ((hash_of(key, stratum_key) >> 32) * 10) >> 32;
  return tenth == 0 ? Stratum::nowhere : tenth == 1 ? Stratum::transfer : Stratum::wording;
}

/// The only set that may have a problem with this key.
inline Set set_of(const Key& key) {
  constexpr std::uint64_t set_key = 0x736574;
  if (stratum_of(key) == Stratum::wording) return Set::wording;
  return hash_of(key, set_key) >> 63 == 0 ? Set::dev : Set::test;
}

/// Whether training text in a language of this group may contain the key.
inline bool is_for_training(const Key& key, Resource resource) {
  const Stratum stratum = stratum_of(key);
  return stratum == Stratum::wording || (stratum == Stratum::transfer && resource == Resource::high);
}

}  // namespace multipl_moe::exercises
