/// `multipl_moe eval` in several processes.
#include <nlohmann/json.hpp>

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

TEST_CASE("eval scores a model whose experts are spread over processes") {
  const Training training;
  REQUIRE(training.alone("make-checkpoint --size demo --arch causal-multipl-moe -q -o mixture").exit_code == 0);
  REQUIRE(training.alone("make-checkpoint --size demo -q -o dense").exit_code == 0);
  const std::string words = "--data data --batch-size 2 --sequence-length 32 --threads 1 --max-bytes 3000 --json ";
  const auto scores_of = [&](int ranks, const std::string& placement) {
    const Ended ended = training.run(ranks, "eval --model mixture " + words + placement + " > scores");
    INFO(ended.text);
    REQUIRE(ended.exit_code == 0);
    return nlohmann::json::parse(get_bytes(training.scratch / "scores"));
  };
  const nlohmann::json whole = scores_of(1, "");
  CHECK(whole["causal"] == true);
  for (const int ranks : {2, 3}) {
    const nlohmann::json spread = scores_of(ranks, "--placement blocks");
    CHECK(spread["causal"] == true);
    CHECK(spread["python"]["tokens"] == whole["python"]["tokens"]);
    CHECK(spread["python"]["bits_per_byte"].get<double>() ==
          Approx(whole["python"]["bits_per_byte"].get<double>()).epsilon(1e-6));
  }
  // The processes of a machine share its memory, and each has a part of the experts.
  const std::string limited = "env MOE_MEMORY_LIMIT=8MiB '" MOE_MPIRUN "' -n 2 '" MOE_PROGRAM "' eval --model mixture ";
  for (const auto& [placement, weights] :
       {std::pair("", "weights (12.9 MiB)"), std::pair("--placement blocks", "weights (7.8 MiB)")}) {
    const Ended ended = training.run_in(limited + words + "--weights float32 " + placement);
    INFO(ended.text);
    CHECK(ended.exit_code == 4);
    CHECK(ended.says(weights));
    CHECK(ended.says("in each of the 2 processes on this machine"));
  }
  const auto refused = [&](const Ended& ended, const char* reason) {
    INFO(ended.text);
    CHECK(ended.exit_code == 2);
    CHECK(ended.says(reason));
  };
  refused(training.alone("eval --model mixture " + words + "--placement blocks"),
          "[eval] --placement blocks spreads experts over the processes that mpirun or srun starts, found 1 process");
  refused(training.run(2, "eval --model dense " + words + "--placement blocks"),
          "spreads the experts of a mixture, found a model of architecture dense");
  refused(training.run(2, "eval --model mixture " + words + "--placement blocks --weights stored"),
          "--weights stored reads all weights in the files, found --placement blocks");
  refused(training.run(2, "eval --model mixture " + words + "--placement blocks --dtype bfloat16 --weights float32"),
          "--weights float32 is for a model that computes in float32, found --dtype bfloat16");
  refused(training.run_in("'" MOE_MPIRUN "' -n 1 '" MOE_PROGRAM "' eval --model mixture " + words +
                          ": -n 1 '" MOE_PROGRAM "' eval --model mixture " + words + "--placement blocks"),
          "all processes must have the same --placement, found everywhere in process 0 and blocks in process 1");
}

}  // namespace eval_test
