#pragma once

namespace moe {

// The mode of a pass. Modes are types, so that code that one mode does not need is not compiled for it.

/// Routing uses the training router, with its random numbers, and computes auxiliary losses.
struct Training {};
/// Routing uses the inference router, and nothing is saved for a backward pass.
struct Inference {};

}  // namespace moe
