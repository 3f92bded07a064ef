#pragma once

namespace moe {

// What a pass is for: types, so that what one of them does not need is not compiled for it.

/// Routing chooses as it learns to: the training router, with what it draws, and losses.
struct Training {};
/// Routing chooses by the inference router, and nothing is kept for a backward pass.
struct Inference {};

}  // namespace moe
