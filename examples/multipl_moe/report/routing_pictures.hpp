/// A trace as pictures: a panel for each layer, the same colors for the same shares in all panels of a picture.
#pragma once

#include <vector>

#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe {

/// token_experts, segment_experts: language by expert. segment_positions_<language>: position by expert.
/// segment_sharing: bars by language. Those of segments only where there are any.
std::vector<Picture> routing_pictures(const RoutingTrace& trace);

}  // namespace multipl_moe
