/// What only a GPU can be asked, in the words of the CUDA backend; the tests judge the answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/core/index.hpp"

namespace moe::testing::gpu_side {

/// A hybrid layer of bfloat16, forward and backward `times` times on the same input, `rows` rows of 256: for each time
/// the sum of all bits of output and gradients.
std::vector<std::uint64_t> hashes_of_steps(int times, Index rows);

/// Gathers, adds up and downloads a matrix of more than 2^31 values; the number of values that came out wrong.
Index wrong_values_past_2_to_the_31();

/// Asks for `bytes` of device memory, which there are not, and runs a layer afterwards. The text of what was thrown.
std::string text_when_memory_is_out(std::size_t bytes);

/// Device memory that is in use after each of `times` steps of a layer.
std::vector<std::size_t> used_after_steps(int times);

/// The same step on two streams at once, from two host threads with a context each: whether both gave the bits that one
/// alone gives.
bool two_streams_agree();

/// How many bits differ between the accelerator's own kernels on the GPU and on whole numbers worked out on the host.
Index wrong_values_of_whole_numbers();

}  // namespace moe::testing::gpu_side
