#include "moe/comm/local_comm.hpp"

#include <cstring>

#include "scale/comm_checks.hpp"
#include "support/catch.hpp"
#include "support/thread_comm.hpp"

namespace comm_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("one rank alone passes the checks of every engine", "[scale]") {
  LocalComm comm;
  for (const auto& check : list_of_comm_checks<LocalComm>()) {
    INFO(check.name);
    CHECK_NOTHROW(check.run(comm));
  }
}

TEST_CASE("ranks that are threads pass the checks of every engine", "[scale]") {
  for (const int ranks : {1, 2, 3, 4}) {
    INFO(ranks << " ranks");
    CHECK_NOTHROW(run_ranks(ranks, [](ThreadComm comm) {
      for (const auto& check : list_of_comm_checks<ThreadComm>()) check.run(comm);
    }));
  }
}

TEST_CASE("a wait for a rank that stays away ends with its number", "[scale]") {
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) { check_timeout(comm); });
  CHECK(text_of(errors[0]).empty());
  CHECK(text_of(errors[1]).empty());
}

TEST_CASE("a rank that ends does not leave the others waiting", "[scale]") {
  const auto errors = ends_of_ranks(3, [](ThreadComm comm) {
    comm.barrier();
    if (comm.rank() == 1) comm.abort(3);
    comm.barrier();
  });
  CHECK(text_of(errors[1]) == "rank 1 ends every rank with exit code 3");
  CHECK(text_of(errors[0]) == "rank 1 has ended");
  CHECK(text_of(errors[2]) == "rank 1 has ended");
}

TEST_CASE("the threads' engine reports calls and sizes that do not fit", "[scale]") {
  const auto calls = ends_of_ranks(2, [](ThreadComm comm) {
    if (comm.rank() == 0) return comm.barrier();
    comm.broadcast(nullptr, 0, 0, {});
  });
  CHECK(text_of(calls[0]).find("barrier") != std::string::npos);
  CHECK(text_of(calls[0]).find("broadcast") != std::string::npos);
  const auto sizes = ends_of_ranks(2, [](ThreadComm comm) {
    const std::vector<std::byte> from(8);
    std::vector<std::byte> to(8);
    const Index second = comm.rank() == 0 ? 4 : 3;
    comm.all_to_all_v(from.data(), {4, 4}, to.data(), {4, second}, {});
  });
  CHECK_FALSE(text_of(sizes[0]).empty());
  CHECK(text_of(sizes[0]) + text_of(sizes[1]) != "");
}

}  // namespace comm_test
