#include "multipl_moe/sandbox/user_ids.hpp"

#include <unistd.h>

namespace multipl_moe::sandbox {

bool can_change_user() {
  static const bool maps_slots = maps_users(proc_text("/proc/self/uid_map"), first_user, most_users) &&
                                 maps_users(proc_text("/proc/self/gid_map"), first_user, most_users) &&
                                 !proc_text("/proc/self/setgroups").starts_with("deny");
  return ::geteuid() == 0 && maps_slots;
}

}  // namespace multipl_moe::sandbox
