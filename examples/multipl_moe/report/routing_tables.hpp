/// A routing trace as CSV tables. Each table has a line of column names, then one line for each language, layer and the
/// columns that follow them. Layers and experts are numbered from 0, positions from 1; shares are parts of 1. A field
/// without a value is empty, such as the mean gate of an expert without rows.
///
///     token_experts.csv      share      tokens that the expert processes, of all tokens
///                            mean_gate  mean gate of the expert over those tokens
///                            dropped    tokens that selected the expert and that its capacity dropped, of all tokens
///     segment_experts.csv    share      segments that the expert processes, of all segments
///                            mean_gate  mean gate of the expert over those segments
///     segment_positions.csv  position   position of the segment in its sequence: 1 is the first
///                            sequences  sequences that have a segment at that position
///                            share      of these, sequences whose segment there the expert processes
///     segment_sharing.csv    experts    number of experts that process a segment: 0 to all
///                            share      segments that exactly so many experts process, of all segments
///     sequences.csv          level      token or segment: the kind of the rows
///                            sequence   number of the sequence in its language, from 0
///                            rows       of the sequence
///                            experts    rows that each expert processes, separated by spaces; - for an expert that
///                                       processes every row by design
///                            segments   the experts of each segment, such as 0+3, or - for none, separated by spaces;
///                                       empty for tokens
///     summary.csv            level      token or segment: the kind of the rows
///                            rows       number of routed rows
///                            load_max_over_mean  highest load over the mean load; this column, the next one and
///                                                dropped leave out experts that process every row by design
///                            load_variation      standard deviation of the loads, over their mean
///                            gate_entropy_nats   -sum p ln p, p = kept gate / sum of the row's kept gates; mean over
///                                                the rows that have an expert
///                            experts_per_row     mean number of experts that process a row
///                            dropped             pairs of row and expert that the capacity dropped, of all selected
#pragma once

#include <string>

#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe {

std::string token_experts_csv(const RoutingTrace& trace);
std::string segment_experts_csv(const RoutingTrace& trace);
std::string segment_positions_csv(const RoutingTrace& trace);
std::string segment_sharing_csv(const RoutingTrace& trace);
std::string sequences_csv(const RoutingTrace& trace);
std::string summary_csv(const RoutingTrace& trace);

/// Whether any layer has routed segments.
bool has_segments(const RoutingTrace& trace);

}  // namespace multipl_moe
