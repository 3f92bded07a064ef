/// --record-routing and --replay-routing, from a shell.
#include "program.hpp"
#include "support/catch.hpp"

namespace routing_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Workplace {
  ScratchFolder scratch;
  Workplace() {
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    put_tiny_config(scratch);
    REQUIRE(run(scratch,
                "pretrain --data data --config-json tiny.json --steps 1 --batch-size 2 --sequence-length 32 "
                "--threads 1 -q -o dense")
                .exit_code == 0);
    const Outcome mixture = run(scratch, "upcycle --model dense --arch causal-multipl-moe -o model -q");
    INFO(mixture.error);
    REQUIRE(mixture.exit_code == 0);
  }
  Outcome train(const std::string& words) const {
    return run(scratch,
               "train --data data --model model --steps 2 --batch-size 2 --sequence-length 32 --threads 1 -q " + words);
  }
  Outcome generate(const std::string& words) const {
    return run(scratch, "generate --max-new-tokens 9 --temperature 0 --prompt ab --prompt 'fn main' -q " + words);
  }
};

}  // namespace

TEST_CASE("generate records the routing of each prompt and does not change the text", "[cli][replay]") {
  const Workplace place;
  const Outcome plain = place.generate("--model model");
  REQUIRE(plain.exit_code == 0);
  const Outcome recorded = place.generate("--model model --record-routing g.routing");
  REQUIRE(recorded.exit_code == 0);
  CHECK(recorded.out == plain.out);
  const std::string bytes = get_bytes(place.scratch / "g.routing");
  CHECK(bytes.starts_with("MOEROUTE"));
  CHECK(place.generate("--model model --record-routing h.routing --batch-size 1").exit_code == 0);
  CHECK(get_bytes(place.scratch / "h.routing") == bytes);
}

TEST_CASE("train replays the routing that train recorded", "[cli][replay]") {
  const Workplace place;
  const auto losses = [&](const std::string& folder) {
    std::string text = get_bytes(place.scratch / (folder + "/metrics.jsonl")), kept;
    for (std::size_t at = 0; (at = text.find("\"loss\":", at)) != text.npos; ++at)
      kept += text.substr(at, text.find(',', at) - at) + "\n";
    return kept;
  };
  REQUIRE(place.train("-o first --record-routing t.routing").exit_code == 0);
  const Outcome again = place.train("-o second --replay-routing t.routing");
  INFO(again.error);
  REQUIRE(again.exit_code == 0);
  CHECK_FALSE(losses("first").empty());
  CHECK(losses("second") == losses("first"));

  const Outcome other = place.train("-o third --replay-routing t.routing --seed 3");
  CHECK(other.exit_code == 3);
  CHECK_THAT(other.error, ContainsSubstring("[t.routing]") && ContainsSubstring("--sequence-length"));
  put_bytes(place.scratch / "no.routing", "MOEROUTE");
  const Outcome none = place.train("-o fourth --replay-routing no.routing");
  CHECK(none.exit_code == 3);
  CHECK_THAT(none.error, ContainsSubstring("[no.routing]"));
  CHECK(place.train("-o fifth --replay-routing missing.routing").exit_code == 3);
}

TEST_CASE("a model that cannot be recorded or replayed exits with 2 and a reason", "[cli][replay]") {
  const Workplace place;
  const auto refused = [](const Outcome& outcome, const std::string& text) {
    INFO(outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring(text));
  };
  refused(place.generate("--model dense --record-routing g"), "needs a mixture of experts, found a dense model");
  refused(place.generate("--model model --record-routing none/g"), "must name a file in an existing folder");
  refused(place.train("-o first --record-routing t --resume"), "--record-routing records a run from its beginning");
  REQUIRE(run(place.scratch, "upcycle --model dense --arch multipl-moe -o ahead -q").exit_code == 0);
  refused(place.generate("--model ahead --record-routing g"), "needs a model that decodes token by token");
  REQUIRE(run(place.scratch, "upcycle --model dense --arch lora -o lora -q").exit_code == 0);
  refused(place.generate("--model lora --record-routing g"), "found a model of architecture lora");
  refused(run(place.scratch, "train --data data --model dense --replay-routing g -o x"), "--replay-routing needs a");
}

}  // namespace routing_test
