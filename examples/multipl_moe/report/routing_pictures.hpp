/// Pictures of a routing trace: one panel per layer, with the same color scale in all panels of a picture.
#pragma once

#include <vector>

#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe {

/// token_experts, segment_experts: language by expert. segment_positions_<language>: position by expert.
/// segment_sharing: bars by language. The pictures of segments are included only if a layer routes segments.
std::vector<Picture> routing_pictures(const RoutingTrace& trace);

}  // namespace multipl_moe
