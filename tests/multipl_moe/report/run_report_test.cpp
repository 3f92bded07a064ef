#include "multipl_moe/report/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/catch.hpp"

namespace run_report_test {

using namespace multipl_moe;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double not_finite = std::numeric_limits<double>::quiet_NaN();

RunRecord run_named(const std::string& name, const std::string& rate) {
  return {.name = name,
          .settings = {{"command", "train"},
                       {"batch-size", "2"},
                       {"sequence-length", "50"},
                       {"gradient-accumulation-steps", "1"},
                       {"learning-rate", rate}},
          .environment = {{"cpu", "same"}},
          .steps = {{1, 4, 0.5, 1e-3, 2, 10, false},
                    {2, not_finite, 0, 2e-3, not_finite, 10, true},
                    {3, 2.5, 0.25, 1e-3, 1, 20, false},
                    {4, 3, 0.25, 1e-3, 1, 40, false}}};
}

}  // namespace

TEST_CASE("a report has each run's results and only the settings that differ", "[report]") {
  const std::string text = report_text({run_named("a", "0.1"), run_named("b|c", "0.2")});
  // 4 steps of 100 tokens at 40 tokens a second.
  CHECK_THAT(text, ContainsSubstring("| a | 4 | 3 | 3 | 2.5 (step 3) | 1 | 400 | 40 | 10s |"));
  CHECK_THAT(text, ContainsSubstring("| b\\|c | 4 |"));
  CHECK_THAT(text, ContainsSubstring("| learning-rate | 0.1 | 0.2 |"));
  CHECK_THAT(text, !ContainsSubstring("batch-size") && !ContainsSubstring("cpu"));
}

TEST_CASE("one run shows all its settings", "[report]") {
  CHECK_THAT(report_text({run_named("a", "0.1")}),
             ContainsSubstring("| batch-size | 2 |") && ContainsSubstring("| cpu | same |"));
}

TEST_CASE("a run without a finite loss has no best loss", "[report]") {
  RunRecord run = run_named("a", "0.1");
  for (StepMetrics& step : run.steps) step.loss = not_finite;
  CHECK_THAT(report_text({run}), ContainsSubstring("| not finite | not finite | not finite |"));
}

TEST_CASE("metrics of all runs are one table", "[report]") {
  const std::string text = metrics_csv({run_named("a", "0.1"), run_named("b,\"c\"", "0.2")});
  CHECK_THAT(text, ContainsSubstring("step,run,loss,auxiliary,learning_rate,gradient_norm,tokens_per_second,skipped\n"
                                     "1,a,4,0.5,0.001,2,10,0\n2,a,,0,0.002,,10,1\n"));
  CHECK_THAT(text, ContainsSubstring("4,\"b,\"\"c\"\"\",3,0.25,0.001,1,40,0\n"));
}

TEST_CASE("smoothing takes the mean of the finite values among the last ones", "[report]") {
  const std::vector<double> means = smoothed({4, not_finite, 2, 6}, 2);
  REQUIRE(means.size() == 4);
  CHECK(means[0] == 4);
  CHECK(means[1] == 4);
  CHECK(means[2] == 2);
  CHECK(means[3] == 4);
  CHECK(std::isnan(smoothed({not_finite}, 3)[0]));
  CHECK(smoothing_window(1) == 1);
  CHECK(smoothing_window(2000) == 100);
}

TEST_CASE("a curve omits values that are not finite and names its run", "[report]") {
  const std::vector<Picture> pictures = run_pictures({run_named("it's", "0.1")});
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].name == "loss");
  CHECK(pictures[0].data == "$run0 << EOD\n1 4 4\n2 ? ?\n3 2.5 2.5\n4 3 3\nEOD\n");
  CHECK(pictures[1].name == "gnorm");
  CHECK_THAT(pictures[1].data, ContainsSubstring("3 1 1\n"));
  CHECK_THAT(pictures[0].commands, ContainsSubstring("title 'it''s'"));
}

TEST_CASE("a running mean equals the mean of each window by itself", "[report]") {
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) values.push_back(i % 7 == 3 ? not_finite : i * i % 31);
  values[20] = 1e30;
  for (const std::size_t window : {1u, 2u, 7u, 49u, 50u, 80u}) {
    const std::vector<double> means = smoothed(values, window);
    for (std::size_t i = 0; i < values.size(); ++i) {
      double sum = 0;
      int count = 0;
      for (std::size_t j = i + 1 - std::min(window, i + 1); j <= i; ++j)
        if (std::isfinite(values[j])) {
          sum += values[j];
          ++count;
        }
      INFO(window << " " << i);
      if (count == 0)
        CHECK(std::isnan(means[i]));
      else
        CHECK(means[i] == Approx(sum / count));
    }
  }
}

TEST_CASE("held-out losses have a column, a table and curves if there are any", "[report]") {
  RunRecord evaluated = run_named("a", "0.1");
  evaluated.steps[1].held_out = {{Language::python, 3}, {Language::go, 5}};
  evaluated.steps[3].held_out = {{Language::python, 2}, {Language::go, 4}};
  evaluated.steps[3].busiest_expert = 1.5;
  const RunRecord other = run_named("b", "0.2");
  CHECK(held_out_csv({other}).empty());
  CHECK(held_out_csv({evaluated, other}) == "step,run,language,loss\n2,a,python,3\n2,a,go,5\n4,a,python,2\n4,a,go,4\n");
  CHECK_THAT(report_text({evaluated, other}), ContainsSubstring("| 10s | 3 (step 4) |") &&
                                                  ContainsSubstring("| 10s | - |") &&
                                                  ContainsSubstring("(held_out.png)"));
  CHECK_THAT(report_text({other}), !ContainsSubstring("held"));

  const std::vector<Picture> alone = run_pictures({evaluated});
  REQUIRE(alone.size() == 4);
  CHECK(alone[2].name == "held_out");
  CHECK_THAT(alone[2].data, ContainsSubstring("2 3\n4 2\n") && ContainsSubstring("2 5\n4 4\n"));
  CHECK_THAT(alone[2].commands, ContainsSubstring("title 'Python'") && ContainsSubstring("title 'Go'"));
  CHECK(alone[3].name == "load");
  const std::vector<Picture> both = run_pictures({evaluated, other});
  CHECK_THAT(both[2].data, ContainsSubstring("2 4\n4 3\n"));
  CHECK_THAT(both[2].commands, ContainsSubstring("title 'a'") && !ContainsSubstring("title 'b'"));
}

}  // namespace run_report_test
