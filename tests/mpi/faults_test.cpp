#include "mpi/mpirun.hpp"
#include "support/catch.hpp"

namespace faults_test {

using namespace moe::testing;

/// All ranks are gone soon after a fault.
constexpr double soon = 5;

TEST_CASE("an exception on one rank ends all with its exit code") {
  struct Case {
    int ranks;
    const char* arguments;
  };
  for (const auto& [ranks, arguments] :
       {Case{2, "throws 0 1"}, Case{2, "throws 1 20"}, Case{3, "throws 2 3"}, Case{4, "throws 1 2"}}) {
    const auto ended = mpirun(ranks, arguments);
    INFO(ended.text);
    CHECK(ended.exit_code == 5);
    CHECK(ended.says(std::string("rank ") + arguments[7] + ": the disk is full"));
    CHECK(ended.seconds < soon);
  }
}

TEST_CASE("an exception that leaves the engine's scope waits for no other rank") {
  const auto ended = mpirun(2, "unwind");
  INFO(ended.text);
  CHECK(ended.exit_code == 9);
  CHECK(ended.says("the disk is full"));
  CHECK(ended.seconds < soon);
}

TEST_CASE("a rank that is killed ends all") {
  for (const int ranks : {2, 4}) {
    const auto ended = mpirun(ranks, "is_killed 1 10");
    INFO(ended.text);
    CHECK(ended.exit_code != 0);
    CHECK(ended.seconds < soon);
  }
}

TEST_CASE("a rank that hangs is named with the others' place, and all end") {
  const auto ended = mpirun(3, "is_stopped 1 10 3000");
  INFO(ended.text);
  CHECK(ended.exit_code == 5);
  CHECK(ended.says("[layer 3, forward] rank "));
  CHECK(ended.says("rank 1 did not answer within 3000 ms"));
  CHECK(ended.seconds > 2.5);
  CHECK(ended.seconds < 3 + soon);
}

TEST_CASE("sizes that two ranks state differently are an error that names both") {
  for (const std::string expected : {"4", "16"}) {
    const auto ended = mpirun(2, "sizes " + expected);
    INFO(ended.text);
    CHECK(ended.exit_code == 5);
    CHECK(ended.says("rank 1: all_to_all_v: rank 0 sends "));
    CHECK(ended.says(expected == "4" ? "more than the 4 bytes that are expected" : "8 bytes, 16 are expected"));
  }
}

TEST_CASE("a block that is not expected is never taken for one of a later call") {
  const auto ended = mpirun(2, "sizes 0");
  INFO(ended.text);
  // MPICH reports the message that is left when the ranks end, Open MPI does not.
  CHECK(ended.says("rank 0 of 2 passed"));
  CHECK(ended.says("rank 1 of 2 passed"));
}

TEST_CASE("processes at different places end with an error that names both") {
  const auto ended = mpirun(2, "places");
  INFO(ended.text);
  CHECK(ended.exit_code == 5);
  CHECK(ended.says("'layer 4, forward'"));
  CHECK(ended.says("'layer 3, backward'"));
}

TEST_CASE("after an error no call waits") {
  const auto ended = mpirun(2, "after");
  INFO(ended.text);
  CHECK(ended.exit_code == 6);
  CHECK(ended.says("cannot be used after an error: barrier: rank 0 did not answer within 100 ms"));
  CHECK(ended.seconds < soon);
}

TEST_CASE("abort of a group ends every rank") {
  const auto ended = mpirun(4, "group");
  INFO(ended.text);
  CHECK(ended.exit_code == 8);
  CHECK(ended.seconds < soon);
}

}  // namespace faults_test
