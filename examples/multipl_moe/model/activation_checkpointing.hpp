#pragma once

namespace multipl_moe {

/// What a forward pass keeps for the backward pass: all that it computed, or each layer's input, from which the rest is
/// computed again.
enum class ActivationCheckpointing { off, on };

}  // namespace multipl_moe
