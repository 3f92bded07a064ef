/// Why a machine cannot isolate programs, and what would allow it.
#pragma once

#include <optional>
#include <string>

namespace multipl_moe::sandbox {

/// Settings of the kernel that bubblewrap depends on; empty: the kernel does not have it.
struct KernelSettings {
  std::optional<int> unprivileged_user_namespaces;  ///< kernel.unprivileged_userns_clone: 0 forbids
  std::optional<int> apparmor_restriction;          ///< kernel.apparmor_restrict_unprivileged_userns: 1 forbids
  std::optional<int> most_user_namespaces;          ///< user.max_user_namespaces: 0 forbids
  bool in_container = false;
  bool is_root = false;  ///< of a machine or container, as can_change_user()
};
KernelSettings kernel_settings();

/// What would allow bubblewrap to work, as the end of a message.
std::string cure(const KernelSettings& settings);

}  // namespace multipl_moe::sandbox
