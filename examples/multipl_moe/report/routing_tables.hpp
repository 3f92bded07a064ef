/// A trace as tables. Every one has a line of names and then one line for each language, layer and what follows them;
/// layers and experts count from 0, positions from 1, shares are parts of 1. A field is empty where it has no value:
/// the mean gate of an expert that works on nothing.
///
///     token_experts.csv      share     tokens that the expert works on, of all tokens
///                            mean_gate its gate, over those tokens
///                            dropped   tokens that chose it and that its capacity refused, of all tokens
///     segment_experts.csv    share     segments that the expert works on, of all segments
///                            mean_gate its gate, over those segments
///     segment_positions.csv  position  of the segment in its sequence: 1 is the first
///                            sequences that have a segment at that position
///                            share     of them whose segment there the expert works on
///     segment_sharing.csv    experts   that work on a segment: 0 to all
///                            share     segments that just so many work on, of all segments
///     summary.csv            level     token or segment: what the rows are
///                            rows      that were routed
///                            load_max_over_mean    rows of the busiest expert, over the mean; as the next column and
///                                                  dropped without experts that work on every row by design
///                            load_variation        standard deviation of the experts' rows, over their mean
///                            gate_entropy_nats     -sum p ln p, p the row's kept gates over their sum; mean over the
///                            rows
///                                                  that have an expert
///                            experts_per_row       that work on a row, mean
///                            dropped               pairs of row and expert that a capacity refused, of those chosen
#pragma once

#include <string>

#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe {

std::string token_experts_csv(const RoutingTrace& trace);
std::string segment_experts_csv(const RoutingTrace& trace);
std::string segment_positions_csv(const RoutingTrace& trace);
std::string segment_sharing_csv(const RoutingTrace& trace);
std::string summary_csv(const RoutingTrace& trace);

/// Whether any layer has routed segments.
bool has_segments(const RoutingTrace& trace);

}  // namespace multipl_moe
