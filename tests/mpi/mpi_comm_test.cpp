#include "mpi/mpirun.hpp"
#include "support/catch.hpp"

namespace mpi_comm_test {

using namespace moe::testing;

TEST_CASE("mpirun starts processes") {
  const auto ended = run_command("'" MOE_MPIRUN "' -n 2 echo started");
  INFO(ended.text);
  REQUIRE(ended.exit_code == 0);
  CHECK(ended.text == "started\nstarted\n");
}

TEST_CASE("ranks that are processes pass the checks of every engine") {
  for (const int ranks : {1, 2, 3, 4}) {
    const auto ended = mpirun(ranks, "checks");
    INFO(ended.text);
    CHECK(all_passed(ended, ranks));
  }
}

TEST_CASE("blocks longer than a message go in rounds") {
  for (const char* bytes : {"1000", "65536"}) {
    const auto ended = mpirun(3, std::string("checks ") + bytes);
    INFO(ended.text);
    CHECK(all_passed(ended, 3));
  }
}

TEST_CASE("without a launcher there is one rank and no call of MPI") {
  const auto ended = run_alone("alone");
  INFO(ended.text);
  CHECK(all_passed(ended, 1));
  CHECK(run_alone("alone 7").exit_code == 7);
}

TEST_CASE("a launcher of another MPI is recognized") {
  for (const std::string variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const auto ended = run_alone("checks", variable + "=3");
    INFO(ended.text);
    CHECK(ended.exit_code == 4);
    CHECK(ended.says("this process is one of 3 that "));
    CHECK(ended.says(variable + "=3), but the program was built with "));
    CHECK(ended.says("start it with the mpirun of that MPI"));
    CHECK(all_passed(run_alone("checks", variable + "=1"), 1));
  }
  // A batch script of several tasks runs its own commands once.
  CHECK(all_passed(run_alone("alone", "SLURM_NTASKS=4"), 1));
}

TEST_CASE("a program may use MPI itself") {
  const auto ended = mpirun(2, "own_mpi");
  INFO(ended.text);
  CHECK(all_passed(ended, 2));
  const auto single = mpirun(2, "own_mpi_of_one_thread");
  INFO(single.text);
  CHECK(single.exit_code == 4);
  CHECK(single.says("call MPI_Init_thread with MPI_THREAD_FUNNELED"));
}

TEST_CASE("MPI does not start twice in a process") {
  const auto ended = mpirun(2, "again");
  INFO(ended.text);
  CHECK(ended.exit_code == 4);
  CHECK(ended.says("keep one until the program ends"));
}

TEST_CASE("wrong arguments and calls of another thread are refused, and the engine goes on") {
  for (const std::string name : {"arguments", "thread"}) {
    const auto ended = mpirun(2, name);
    INFO(ended.text);
    CHECK(all_passed(ended, 2));
  }
}

}  // namespace mpi_comm_test
