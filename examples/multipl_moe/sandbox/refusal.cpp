#include "multipl_moe/sandbox/refusal.hpp"

#include "multipl_moe/sandbox/proc_text.hpp"
#include "multipl_moe/sandbox/user_ids.hpp"

namespace multipl_moe::sandbox {

namespace {

std::optional<int> setting(const char* file) {
  if (!is_there(file)) return std::nullopt;
  return static_cast<int>(first_number(proc_text(file)));
}

}  // namespace

KernelSettings kernel_settings() {
  return {setting("/proc/sys/kernel/unprivileged_userns_clone"),
          setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
          setting("/proc/sys/user/max_user_namespaces"), is_there("/.dockerenv") || is_there("/run/.containerenv"),
          can_change_user()};
}

std::string cure(const KernelSettings& settings) {
  if (settings.most_user_namespaces == 0 && !settings.is_root)
    return "the kernel allows no user namespaces; as root: sysctl -w user.max_user_namespaces=10000";
  if (settings.unprivileged_user_namespaces == 0 && !settings.is_root)
    return "the kernel allows user namespaces to root alone; as root: sysctl -w kernel.unprivileged_userns_clone=1";
  if (settings.apparmor_restriction == 1 && !settings.is_root)
    return "AppArmor allows user namespaces only to programs with a profile; as root, give bwrap one: write 'abi "
           "<abi/4.0>, include <tunables/global> profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }' to "
           "/etc/apparmor.d/bwrap and run apparmor_parser -r /etc/apparmor.d/bwrap; or allow them to all programs: "
           "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  if (settings.in_container)
    return "this container may not create namespaces; start it with --security-opt seccomp=unconfined --security-opt "
           "apparmor=unconfined --security-opt systempaths=unconfined --cap-add SYS_ADMIN, or run the command outside";
  return "run the command on a machine or in a container that may create namespaces";
}

}  // namespace multipl_moe::sandbox
