#pragma once

namespace multipl_moe {

/// What a forward pass keeps for the backward pass. off: all activations. on: each layer's input, from which the
/// backward pass recomputes the rest.
enum class ActivationCheckpointing { off, on };

}  // namespace multipl_moe
