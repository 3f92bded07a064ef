/// Routing decisions written by hand.
#pragma once

#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe::testing {

/// Layer 2, three experts. The third expert drops the second row; the fourth row has no expert.
inline moe::Observation observed_tokens() {
  return {.layer = 2,
          .level = "token",
          .rows = 4,
          .experts = 3,
          .chosen = {1, 2, 0, /**/ 1, 0, 2, /**/ 0, 1, 0, /**/ 0, 0, 0},
          .kept = {1, 2, 0, /**/ 1, 0, 0, /**/ 0, 1, 0, /**/ 0, 0, 0},
          .gates = {0.5, 0.5, 0, /**/ 1, 0, 0, /**/ 0, 0.25, 0, /**/ 0, 0, 0},
          .begin = {0, 1, 2, 3, 4}};
}

/// Layer 0, two experts, two sequences of 10 rows: segments of 4, 4 and 2 rows in the first, of 4 and 6 in the second.
inline moe::Observation observed_segments() {
  return {.layer = 0,
          .level = "segment",
          .rows = 5,
          .experts = 2,
          .chosen = {1, 0, /**/ 1, 1, /**/ 0, 0, /**/ 0, 1, /**/ 1, 1},
          .kept = {1, 0, /**/ 1, 1, /**/ 0, 0, /**/ 0, 1, /**/ 1, 1},
          .gates = {0.75, 0, /**/ 0.5, 0.5, /**/ 0, 0, /**/ 0, 1, /**/ 0.25, 0.75},
          .begin = {0, 4, 8, 10, 14, 20}};
}

/// A trace with both of them, for Rust.
inline RoutingTrace observed_trace() {
  RoutingTrace trace;
  RoutingTally tally;
  tally.add(observed_tokens(), 10);
  tally.add(observed_segments(), 10);
  trace[index_of(Language::rust)] = tally;
  return trace;
}

}  // namespace multipl_moe::testing
