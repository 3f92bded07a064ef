#pragma once

namespace moe {

/// An FFN whose products have no biases.
struct WithoutBiases {};

/// An FFN whose products each add a bias.
struct WithBiases {};

}  // namespace moe
