#include "multipl_moe/train/metrics.hpp"

#include <limits>

#include "../io/scratch.hpp"
#include "../support/stderr_capture.hpp"
#include "support/catch.hpp"

namespace metrics_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("metrics are one line of JSON per step, with null for values that are not finite", "[train]") {
  const ScratchFolder scratch;
  {
    Metrics metrics(scratch / "run");
    metrics.add({.step = 1, .loss = 2.5, .rate = 0.5, .gradient_norm = 1, .tokens_per_second = 10}, false);
    metrics.add({.step = 2,
                 .loss = std::numeric_limits<double>::quiet_NaN(),
                 .rate = 0.5,
                 .gradient_norm = 1,
                 .tokens_per_second = 10},
                true);
  }
  CHECK(get_bytes(scratch / "run/metrics.jsonl") ==
        "{\"step\":1,\"loss\":2.5,\"aux\":0.0,\"learning_rate\":0.5,\"gradient_norm\":1.0,\"tokens_per_second\":10.0}\n"
        "{\"step\":2,\"loss\":null,\"aux\":0.0,\"learning_rate\":0.5,\"gradient_norm\":1.0,\"tokens_per_second\":10.0,"
        "\"skipped\":true}\n");
}

TEST_CASE("held-out losses and loads are in the line of their step", "[train]") {
  const ScratchFolder scratch;
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  {
    Metrics metrics(scratch / "run");
    metrics.add({.step = 1,
                 .held_out = {{Language::python, 1.5}, {Language::rust, nothing}},
                 .loads = {.token = {{1.23456, 0.5, 0}, {2, nothing, 0.25}}, .segment = {}}},
                false);
  }
  CHECK_THAT(get_bytes(scratch / "run/metrics.jsonl"),
             Catch::Matchers::ContainsSubstring("\"held_out\":{\"python\":1.5,\"rust\":null},"
                                                "\"load\":{\"token\":{\"max_over_mean\":[1.235,2.0],"
                                                "\"entropy\":[0.5,null],\"dropped\":[0.0,0.25]}}}\n"));
}

TEST_CASE("without a run folder metrics are not written", "[train]") {
  Metrics metrics({});
  CHECK_NOTHROW(metrics.add({}, false));
}

TEST_CASE("metrics continue after the completed steps, and later lines are removed", "[train]") {
  const ScratchFolder scratch;
  const std::string one = "{\"step\":1,\"loss\":2.5}\n", two = "{\"step\":2,\"loss\":2.25}\n";
  const auto continued = [&](const std::string& before, std::int64_t steps_done) {
    put_bytes(scratch / "run/metrics.jsonl", before);
    {
      Metrics metrics(scratch / "run", steps_done);
      metrics.add({.step = 3}, false);
      metrics.sync();
    }
    std::string text = get_bytes(scratch / "run/metrics.jsonl");
    return text.substr(0, text.find("{\"step\":3,\"loss\":0.0"));
  };
  CHECK(continued(one + two, 2) == one + two);
  CHECK(continued(one + two + "{\"step\":3,\"loss\":9}\n{\"ste", 2) == one + two);
  CHECK(continued(one + two, 1) == one);
  CHECK(continued(one + two, 0).empty());

  const StderrCapture capture;
  CHECK(continued(one + "{\"step\":2,\"lo", 2) == one);
  CHECK_THAT(capture.text(), Catch::Matchers::ContainsSubstring("must hold the steps 1 to 2, found 1 of them"));
  CHECK(continued(one + one + two, 2) == one);
  CHECK(continued("no json\n" + one, 1).empty());
  CHECK(continued(two, 2) == two);
}

}  // namespace metrics_test
