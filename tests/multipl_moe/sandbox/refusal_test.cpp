#include "multipl_moe/sandbox/refusal.hpp"

#include "support/catch.hpp"

namespace refusal_test {

using namespace multipl_moe::sandbox;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("the cure names the setting that forbids user namespaces", "[sandbox]") {
  KernelSettings settings;
  settings.most_user_namespaces = 1000;
  CHECK_THAT(cure(settings), ContainsSubstring("another") || ContainsSubstring("machine or in a container"));
  settings.in_container = true;
  CHECK_THAT(cure(settings), ContainsSubstring("--cap-add SYS_ADMIN"));
  settings.apparmor_restriction = 1;
  CHECK_THAT(cure(settings), ContainsSubstring("/etc/apparmor.d/bwrap") &&
                                 ContainsSubstring("kernel.apparmor_restrict_unprivileged_userns=0"));
  settings.unprivileged_user_namespaces = 0;
  CHECK_THAT(cure(settings), ContainsSubstring("kernel.unprivileged_userns_clone=1"));
  settings.most_user_namespaces = 0;
  CHECK_THAT(cure(settings), ContainsSubstring("user.max_user_namespaces="));
  // Root does not need them.
  settings.is_root = true;
  CHECK_THAT(cure(settings), ContainsSubstring("--cap-add SYS_ADMIN"));
}

}  // namespace refusal_test
