/// Which files are worth learning from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace multipl_moe {

/// Why a file of a known extension was left out, in the order in which the rules are tried.
enum class Filter : std::uint8_t {
  unreadable,
  empty,
  too_large,  ///< over 1 MiB
  not_utf8,
  long_lines,        ///< over 100 characters a line on average, or one over 1000
  few_alphanumeric,  ///< under 25 % of the characters; all beyond ASCII count as such
  duplicate,         ///< the same text as another file, whatever its language: line ends and the like do not count
  near_duplicate,    ///< almost the same (data/near_copies.hpp)
};

inline constexpr std::array all_filters{Filter::unreadable, Filter::empty,         Filter::too_large,
                                        Filter::not_utf8,   Filter::long_lines,    Filter::few_alphanumeric,
                                        Filter::duplicate,  Filter::near_duplicate};

constexpr std::size_t index_of(Filter filter) { return static_cast<std::size_t>(filter); }
std::string_view name_of(Filter filter);

inline constexpr std::uint64_t largest_source = std::uint64_t{1} << 20;

/// `text` against the rules that one text can break by itself; empty where it passes.
std::optional<Filter> filtered_by(std::string_view text);

}  // namespace multipl_moe
