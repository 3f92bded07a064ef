/// `multipl_moe eval` in several processes.
#include "mpi/program_runs.hpp"
#include "support/catch.hpp"

namespace eval_test {

using namespace program_runs;

TEST_CASE("eval prints the same in 1, 2 and 3 processes") {
  const Training training;
  REQUIRE(training.alone("make-checkpoint --size demo --arch multipl-moe -q -o mixture").exit_code == 0);
  const std::string words = "eval --model mixture --data data --batch-size 2 --sequence-length 32 --threads 1 ";
  for (const char* more : {"", "--json --weights stored --max-bytes 3000"}) {
    const Ended alone = training.alone(words + more + " > alone");
    INFO(alone.text);
    REQUIRE(alone.exit_code == 0);
    const std::string scores = get_bytes(training.scratch / "alone");
    REQUIRE(count(scores, "ython") == 1);
    for (const int ranks : {2, 3}) {
      const Ended ended = training.run(ranks, words + more + " > shared");
      INFO(ended.text);
      CHECK(ended.exit_code == 0);
      CHECK(get_bytes(training.scratch / "shared") == scores);
      CHECK(count(ended.text, "note: the routing of this model depends on later tokens") == 1);
    }
  }
  const Ended different = training.run_in("'" MOE_MPIRUN "' -n 1 '" MOE_PROGRAM "' " + words +
                                          ": -n 1 '" MOE_PROGRAM "' " + words + "--max-bytes 3000");
  INFO(different.text);
  CHECK(different.exit_code == 2);
  CHECK(count(different.text, "error: ") == 1);
  CHECK(different.says("process 1 must run the same program"));
  CHECK(different.says("  --max-bytes: 65536, found 3000"));
  // The programs of `evaluate` run in the sandboxes of one process.
  const Ended evaluate = training.run(2, "evaluate --model mixture --benchmark b.jsonl -o out");
  INFO(evaluate.text);
  CHECK(evaluate.exit_code == 2);
  CHECK(evaluate.says("found 2 of `evaluate`: start it without mpirun or srun"));
}

}  // namespace eval_test
