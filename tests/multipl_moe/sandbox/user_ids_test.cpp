#include "multipl_moe/sandbox/user_ids.hpp"

#include <cstdlib>

#include "../cli/program.hpp"
#include "available.hpp"
#include "support/catch.hpp"

namespace user_ids_test {

using namespace multipl_moe::sandbox;
using Catch::Matchers::ContainsSubstring;
using multipl_moe::testing::Outcome;
using multipl_moe::testing::ScratchFolder;

TEST_CASE("users are mapped if one line of the map has all of them", "[sandbox]") {
  CHECK(maps_users("         0          0 4294967295\n", first_user, most_users));
  CHECK(maps_users("0 1000 1\n1 100000 65536\n", first_user, most_users));
  CHECK(maps_users("61000 5 1000\n", 61000, 1000));
  CHECK_FALSE(maps_users("61000 5 999\n", 61000, 1000));
  CHECK_FALSE(maps_users("61001 5 1000\n", 61000, 1000));
  CHECK_FALSE(maps_users("0 1000 1\n", first_user, most_users));
  CHECK_FALSE(maps_users("0 0 61000\n61500 61500 500\n", 61000, 1000));
  CHECK_FALSE(maps_users("", first_user, most_users));
}

TEST_CASE("root of a namespace without other users isolates programs as an ordinary user does",
          "[compilers][sandbox]") {
  if (!multipl_moe::testing::open_or_skip()) return;
  if (std::system("unshare --user --map-root-user true 2>/dev/null") != 0) {
    WARN("user namespaces are not allowed here, so this test was skipped");
    return;
  }
  const ScratchFolder scratch;
  const Outcome inside = multipl_moe::testing::run(scratch, "doctor", "unshare --user --map-root-user");
  CHECK_THAT(inside.out, ContainsSubstring("are executed in bubblewrap ") && !ContainsSubstring("uid 61"));
  // There, further user namespaces can be forbidden without changing the machine.
  const Outcome forbidden = multipl_moe::testing::run(
      scratch, "doctor",
      "unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"'");
  CHECK_THAT(forbidden.out,
             ContainsSubstring("cannot isolate programs: bubblewrap could not start a program: bwrap: ") &&
                 ContainsSubstring("sysctl -w user.max_user_namespaces="));
}

}  // namespace user_ids_test
