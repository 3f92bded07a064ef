/// --dry-run --ranks: the plan of a training in several processes.
#include <map>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/catch.hpp"

namespace ranks_dry_run_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Place {
  ScratchFolder scratch;
  Place() {
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    put_tiny_config(scratch);
  }
  Outcome plan(const std::string& words) const {
    return run(scratch,
               "pretrain --data data --config-json tiny.json -o out --sequence-length 32 --steps 10 --dry-run " + words,
               "CUDA_VISIBLE_DEVICES=-1");
  }
  nlohmann::json json(const std::string& words) const {
    const Outcome outcome = plan("--json " + words);
    INFO(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    return nlohmann::json::parse(outcome.out);
  }
};

/// The exchange of this name in a step.
nlohmann::json in_step(const nlohmann::json& plan, const std::string& name) {
  for (const auto& exchange : plan["exchanges"])
    if (exchange["part"] == "step" && exchange["name"] == name) return exchange;
  return nullptr;
}

}  // namespace

TEST_CASE("options for processes elsewhere are refused where they do not apply", "[cli]") {
  const ScratchFolder scratch;
  const std::map<std::string, std::string> refusals{
      {"--ranks 2", "--ranks requires --dry-run"},
      {"--dry-run --ranks 0", "--ranks"},
      {"--dry-run --ranks-per-machine 2", "--ranks-per-machine requires --ranks"},
      {"--dry-run --bandwidth 10", "--bandwidth requires --ranks"},
      {"--dry-run --ranks 2 --step-time 1", "--step-time requires --bandwidth"},
      {"--dry-run --ranks 2 --ranks-per-machine 3", "--ranks-per-machine must be at most --ranks, found 3 and 2"},
      {"--dry-run --ranks 2 --bandwidth fast", "--bandwidth must be one number above 0, or two"},
      {"--dry-run --ranks 2 --bandwidth 10,", "found '10,'"},
      {"--dry-run --ranks 2 --ranks-per-machine 1 --bandwidth 10,0", "found '10,0'"},
      {"--dry-run --ranks 2 --ranks-per-machine 1 --bandwidth 1,2,3", "found '1,2,3'"},
      {"--dry-run --ranks 2 --bandwidth 350,42", "needs --ranks-per-machine below --ranks, found 2 processes"},
      {"--dry-run --ranks 2 --async-checkpoint --steps 4 --save-steps 2", "run of one process, found 2 processes"}};
  for (const auto& [words, text] : refusals) {
    const Outcome outcome = run(scratch, "pretrain --data nowhere -o out " + words);
    INFO(words << "\n" << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring(text));
  }
}

TEST_CASE("a number of processes that cannot share a step is refused as in the run", "[cli]") {
  const Place place;
  const Outcome micro = place.plan("--ranks 3 --gradient-accumulation-steps 4");
  CHECK(micro.exit_code == 2);
  CHECK_THAT(micro.error, ContainsSubstring("--gradient-accumulation-steps must be a multiple of the number of "
                                            "processes, which share the micro-batches of a step, found 4 and 3"));
  const Outcome slots = place.plan("--ranks 2 --gradient-accumulation-steps 4 --gradient-slots 3");
  CHECK(slots.exit_code == 2);
  CHECK_THAT(slots.error, ContainsSubstring("--gradient-slots must be a multiple of the number of processes"));
}

TEST_CASE("a plan of spread experts has less of the model in each process, and prices the rows that travel", "[cli]") {
  const Place place;
  REQUIRE(run(place.scratch, "make-checkpoint --size demo --arch mixtral -q -o mixture").exit_code == 0);
  const auto plan = [&](const std::string& words) {
    return run(
        place.scratch,
        "train --model mixture --data data -o out --sequence-length 32 --steps 10 --gradient-accumulation-steps 8 "
        "--dry-run " +
            words);
  };
  const auto json = [&](const std::string& words) {
    const Outcome outcome = plan("--json --ranks 4 --bandwidth 2 --step-time 8 " + words);
    INFO(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    return nlohmann::json::parse(outcome.out);
  };
  const auto everywhere = json(""), spread = json("--placement blocks");
  for (const char* part : {"weights", "gradients"})
    CHECK(spread["host_bytes"][part] < everywhere["host_bytes"][part].get<std::int64_t>() / 2);
  CHECK(spread["disk_bytes"] == everywhere["disk_bytes"]);
  const auto forward = in_step(spread, "rows to their experts, forward");
  CHECK(forward["bytes_to_machine"] > 0);
  CHECK(forward["times"] == 10);
  CHECK(in_step(everywhere, "rows to their experts, forward").is_null());
  CHECK(in_step(spread, "sum of gradients")["bytes_to_machine"] <
        in_step(everywhere, "sum of gradients")["bytes_to_machine"].get<std::int64_t>() / 2);
  const Outcome text = plan("--ranks 4 --placement round-robin --eval-steps 5");
  CHECK_THAT(text.out, ContainsSubstring("  step   rows to their experts, backward ") &&
                           ContainsSubstring("tokens choose all experts equally often") &&
                           ContainsSubstring("the rows of evaluations on held-out text"));
  CHECK_THAT(plan("--ranks 4").out, !ContainsSubstring("tokens choose all experts"));
  // 8 experts over 4 processes are even, over 16 they are not: half of the processes have none.
  CHECK(spread["efficiency"]["compute_seconds"] == 2);
  const Outcome uneven = run(place.scratch,
                             "train --model mixture --data data -o out --sequence-length 32 --steps 10 "
                             "--gradient-accumulation-steps 16 --dry-run --ranks 16 --bandwidth 2 --step-time 8 "
                             "--placement blocks");
  CHECK_THAT(uneven.out, ContainsSubstring("the process with most experts computes 1.") &&
                             ContainsSubstring(" times the mean, and the others wait for it"));
  const Outcome slots = plan("--ranks 4 --placement blocks --gradient-slots 8");
  CHECK(slots.exit_code == 2);
  CHECK_THAT(slots.error,
             ContainsSubstring("--gradient-slots must be the number of processes with --placement blocks"));
  const Outcome one = plan("--ranks 1 --placement blocks");
  CHECK(one.exit_code == 2);
  CHECK_THAT(one.error, ContainsSubstring("found 1 process"));
}

TEST_CASE("a plan of several processes prices what they send and says what each has in memory", "[cli]") {
  const Place place;
  const std::string four = "--gradient-accumulation-steps 8 --ranks 4 ", fast = four + "--bandwidth 2 --step-time 8 ";
  const auto plan = place.json(fast), bytes_alone = place.json(four),
             alone = place.json("--gradient-accumulation-steps 8");
  CHECK(plan["processes"] == nlohmann::json{{"count", 4}, {"per_machine", 4}, {"machines", 1}});
  const auto trainable = plan["parameters"]["trainable"].get<std::int64_t>();
  const auto sum = in_step(plan, "sum of gradients"), share = in_step(plan, "share of weights");
  CHECK(sum["calls"] == 1);
  CHECK(sum["times"] == 10);
  CHECK(sum["bytes_to_others"] == 0);
  // The process with the smallest part sends most of the gradients: all but what it has.
  CHECK(sum["bytes_to_machine"] > 3 * trainable);
  CHECK(sum["bytes_to_machine"] < 4 * trainable + 4 * 256);
  CHECK(share["seconds"].get<double>() == Approx(share["bytes_to_machine"].get<double>() / 2e9).epsilon(1e-3));
  CHECK(plan["efficiency"]["compute_seconds"] == 2);
  const auto exchange = plan["efficiency"]["exchange_seconds"].get<double>();
  CHECK(plan["efficiency"]["of_step"].get<double>() == Approx(2 / (2 + exchange)));
  CHECK(plan["efficiency"]["run_seconds"] > 10 * (2 + exchange));
  CHECK_FALSE(bytes_alone.contains("efficiency"));
  CHECK_FALSE(in_step(bytes_alone, "sum of gradients").contains("seconds"));
  // Of the optimizer's state a process has a part.
  CHECK(plan["host_bytes"]["moments"] < alone["host_bytes"]["moments"].get<std::int64_t>() / 2);
  CHECK(plan["host_bytes"]["machine"] == 4 * plan["host_bytes"]["total"].get<std::int64_t>());
  CHECK(alone["host_bytes"]["machine"] == alone["host_bytes"]["total"]);
  CHECK_FALSE(alone.contains("exchanges"));
  const auto slots = place.json(four + "--gradient-slots 8");
  CHECK(slots["host_bytes"]["gradients"] == 3 * plan["host_bytes"]["gradients"].get<std::int64_t>());

  // Between machines links are slower, and what stays within one does not cross them.
  const auto apart = place.json(four + "--ranks-per-machine 2 --bandwidth 2,1");
  const auto between = in_step(apart, "share of weights");
  CHECK(between["bytes_to_others"] == 2 * between["bytes_to_machine"].get<std::int64_t>());
  CHECK(between["seconds"].get<double>() == Approx(between["bytes_to_others"].get<double>() / 1e9));

  const Outcome text = place.plan(fast + "--eval-steps 5");
  CHECK_THAT(text.out, ContainsSubstring("\nexchanges of 4 processes, on one machine (arithmetic, not measured)\n") &&
                           ContainsSubstring("  step   sum of gradients ") &&
                           ContainsSubstring("  eval   losses on held-out text ") &&
                           ContainsSubstring("  save   tensors for a checkpoint ") &&
                           ContainsSubstring("of a step: 2.00 s of computation, ") && ContainsSubstring("assumed:\n") &&
                           ContainsSubstring("(--step-time)") &&
                           ContainsSubstring("\nmemory of each process on the CPU\n") &&
                           ContainsSubstring("of its 4 processes\n") && !ContainsSubstring("  free "));
  CHECK_THAT(place.plan(four).out, ContainsSubstring("unknown   --bandwidth GB/s gives times\n"));
  CHECK_THAT(place.plan(four + "--bandwidth 2").out, ContainsSubstring("unknown   --step-time SECONDS"));
  CHECK_THAT(place.plan("--ranks 1").out, ContainsSubstring("exchanges of 1 process, on one machine"));
}

TEST_CASE("a plan of several GPUs divides the optimizer's state and the arithmetic among them", "[cli][device]") {
  const Place place;
  const std::string words = "--gradient-accumulation-steps 8 --device cuda --device-memory 80GB ";
  const auto one = place.json(words), eight = place.json(words + "--ranks 8 --bandwidth 350");
  CHECK(eight["device_bytes"]["moments"] < one["device_bytes"]["moments"].get<std::int64_t>() / 2);
  CHECK(eight["device_bytes"]["exchange"] > 0);
  CHECK(eight["arithmetic"]["seconds"].get<double>() == Approx(one["arithmetic"]["seconds"].get<double>() / 8));
  CHECK(eight["efficiency"]["compute_seconds"].get<double>() ==
        Approx(one["arithmetic"]["seconds"].get<double>() / 80));
  CHECK_THAT(place.plan(words + "--ranks 8").out, ContainsSubstring("memory of each process on a GPU") &&
                                                      ContainsSubstring("on each of 8 GPUs, without exchanges") &&
                                                      ContainsSubstring("no training of several GPUs has run yet"));
}

}  // namespace ranks_dry_run_test
