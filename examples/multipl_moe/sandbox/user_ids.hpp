/// Whether programs can be given user IDs of their own.
#pragma once

#include <cstdint>
#include <string_view>

#include "multipl_moe/sandbox/proc_text.hpp"

namespace multipl_moe::sandbox {

/// As root, the programs of slot n have the user and group 61000 + n, which Debian gives to no user.
inline constexpr std::int64_t first_user = 61000;
inline constexpr std::int64_t most_users = 1000;

/// Whether all of these user IDs are mapped, in one line of the text of /proc/self/uid_map: "inside outside count".
inline bool maps_users(std::string_view uid_map, std::int64_t first, std::int64_t count) {
  for (const std::string_view line : split(uid_map, '\n')) {
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() != 3) continue;
    const std::int64_t begin = first_number(words[0]), size = first_number(words[2]);
    if (begin <= first && first + count <= begin + size) return true;
  }
  return false;
}

/// Whether this process is root and can become the slots' users. Root of a user namespace without these users, as in a
/// container that an ordinary user has started, is treated as an ordinary user, which it is for the kernel.
bool can_change_user();

}  // namespace multipl_moe::sandbox
