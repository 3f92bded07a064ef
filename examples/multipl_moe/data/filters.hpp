/// Filters for the files of a training corpus.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace multipl_moe {

/// The reason why a file with a known extension was left out, in the order in which the rules are checked.
enum class Filter : std::uint8_t {
  unreadable,
  empty,
  too_large,  ///< over 1 MiB
  not_utf8,
  long_lines,        ///< over 100 characters per line on average, or a line over 1000
  few_alphanumeric,  ///< under 25 % of the characters; all characters beyond ASCII count as alphanumeric
  duplicate,         ///< the same normal form (data/source_text.hpp) as another file, in any language
  near_duplicate,    ///< nearly the same text as another file (data/near_copies.hpp)
};

inline constexpr std::array all_filters{Filter::unreadable, Filter::empty,         Filter::too_large,
                                        Filter::not_utf8,   Filter::long_lines,    Filter::few_alphanumeric,
                                        Filter::duplicate,  Filter::near_duplicate};

constexpr std::size_t index_of(Filter filter) { return static_cast<std::size_t>(filter); }
std::string_view name_of(Filter filter);

inline constexpr std::uint64_t largest_source = std::uint64_t{1} << 20;

/// The first rule that `text` violates by itself, without comparison with other files; empty if it passes.
std::optional<Filter> filtered_by(std::string_view text);

}  // namespace multipl_moe
