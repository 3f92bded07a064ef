/// Checks that need a GPU, compiled with the CUDA backend; the tests compare their results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/core/index.hpp"
#include "moe/runtime/composition.hpp"

namespace moe::testing::gpu_side {

/// Runs a hybrid layer in bfloat16 forward and backward `times` times on the same input, `rows` rows of width 256.
/// Returns for each time a hash of all bits of output and gradients.
std::vector<std::uint64_t> hashes_of_steps(int times, Index rows);

/// Gathers rows and sums columns of a matrix of more than 2^31 values. Returns the number of wrong values.
Index wrong_values_past_2_to_the_31();

/// Requests `bytes` of device memory, more than exist, and runs a layer afterwards. Returns the text of the exception.
std::string text_when_memory_is_out(std::size_t bytes);

/// Bytes of device memory in use after each of `times` steps of a layer.
std::vector<std::size_t> used_after_steps(int times);

/// Runs the same step on two streams at once, from two host threads with one context each. Returns whether both results
/// are bitwise identical to that of a single stream.
bool two_streams_agree();

/// Runs the accelerator's kernels on integers. Returns the number of values that differ from those of the host.
Index wrong_values_of_whole_numbers();

/// The largest deviation of `products` in double, float and bfloat16, as a multiple of its bound (check_products.hpp).
double worst_of_independent_products();

/// Steps tensors from pinned host memory (check_copy_lane.hpp). Returns the number of wrong values.
Index wrong_values_of_copy_lanes();

/// Trains a layer in bfloat16 with optimizer state on the GPU and in pinned host memory (offloaded_state.hpp). Returns
/// whether weights and states are bitwise identical.
bool offloaded_state_has_the_bits_of_resident();

/// Takes snapshots of a tensor that the work after them changes. Returns the number of wrong values.
Index wrong_values_of_snapshots();

/// What a layer of bfloat16 made by name computes (named_results.hpp).
std::vector<std::vector<double>> results_by_name(const Composition& composition);

}  // namespace moe::testing::gpu_side
