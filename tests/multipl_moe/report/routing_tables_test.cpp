#include "multipl_moe/report/routing_tables.hpp"

#include "observed.hpp"
#include "support/catch.hpp"

namespace routing_tables_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("tables hold the shares of a trace that was counted by hand", "[report]") {
  const RoutingTrace trace = observed_trace();
  CHECK(token_experts_csv(trace) ==
        "language,layer,expert,share,mean_gate,dropped\n"
        "rust,2,0,0.5,0.75,0\n"
        "rust,2,1,0.5,0.375,0\n"
        "rust,2,2,0,,0.25\n");
  CHECK(segment_experts_csv(trace) ==
        "language,layer,expert,share,mean_gate\n"
        "rust,0,0,0.6,0.5\n"
        "rust,0,1,0.6,0.75\n");
  CHECK(segment_positions_csv(trace) ==
        "language,layer,expert,position,sequences,share\n"
        "rust,0,0,1,2,0.5\n"
        "rust,0,0,2,2,1\n"
        "rust,0,0,3,1,0\n"
        "rust,0,1,1,2,0.5\n"
        "rust,0,1,2,2,1\n"
        "rust,0,1,3,1,0\n");
  CHECK(segment_sharing_csv(trace) ==
        "language,layer,experts,share\n"
        "rust,0,0,0.2\n"
        "rust,0,1,0.4\n"
        "rust,0,2,0.4\n");
  CHECK(sequences_csv(trace) ==
        "language,layer,level,sequence,rows,experts,segments\n"
        "rust,2,token,0,4,2 2 0,\n"
        "rust,0,segment,0,3,2 1,0 0+1 -\n"
        "rust,0,segment,1,2,1 2,1 0+1\n");
  CHECK(summary_csv(trace) ==
        "language,layer,level,rows,load_max_over_mean,load_variation,gate_entropy_nats,experts_per_row,dropped\n"
        "rust,2,token,4,1.5,0.707107,0.231049,1,0.2\n"
        "rust,0,segment,5,1,0,0.313871,1.2,0\n");
}

TEST_CASE("sequences go on in the next batch, and fixed experts are no choice", "[report]") {
  RoutingTrace trace;
  RoutingTally tally{.fixed_token_experts = {1}};
  tally.add(observed_tokens(), 2);
  tally.add(observed_tokens(), 4);
  trace[index_of(Language::go)] = tally;
  CHECK(sequences_csv(trace) ==
        "language,layer,level,sequence,rows,experts,segments\n"
        "go,2,token,0,2,2 - 0,\n"
        "go,2,token,1,2,0 - 0,\n"
        "go,2,token,2,4,2 - 0,\n");
}

TEST_CASE("a trace has segments if a layer of some language routes them", "[report]") {
  CHECK(has_segments(observed_trace()));
  RoutingTrace trace;
  CHECK_FALSE(has_segments(trace));
  trace[0].emplace().add(observed_tokens(), 4);
  CHECK_FALSE(has_segments(trace));
}

}  // namespace routing_tables_test
