#include "multipl_moe/train/metrics.hpp"

#include <limits>

#include "../io/scratch.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("metrics are a line of JSON a step; what is not finite is null", "[train]") {
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

TEST_CASE("without a run folder metrics go nowhere", "[train]") {
  Metrics metrics({});
  CHECK_NOTHROW(metrics.add({}, false));
}
