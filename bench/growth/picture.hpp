#pragma once

#include "bench/growth/growth.hpp"
#include "multipl_moe/report/gnuplot.hpp"

namespace moe_bench {

/// A panel for each axis: time of the layer, of the dense FFN and of the peer, both scales logarithmic.
multipl_moe::Picture growth_picture(const Growth& growth);

}  // namespace moe_bench
