// error: a routing module must name Value, Backend, Real, Saved, RoutingResult, Stats, DecodingState and LossGradients,
// and define is_causal, is_batch_invariant and experts_read_rows
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, Bank(6, 8, 16));
