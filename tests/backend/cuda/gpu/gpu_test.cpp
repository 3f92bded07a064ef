/// The CUDA backend on a GPU, compared with the reference and with the CPU. Without a GPU every test reports this and
/// counts as skipped.
#include "backend/cuda/gpu/ask.hpp"
#include "backend/cuda/gpu/checks.hpp"
#include "compiled_layers/compiled_layers.hpp"
#include "support/device_check.hpp"
#include "support/named_compositions.hpp"
#include "support/named_results.hpp"

using namespace moe;
using namespace moe::testing;
using gpu_side::KeptAs;

namespace {

/// The results of composition `index` of AnyCompositions::all().
Answered ask(KeptAs kept, int index, const Given& given) {
  constexpr auto token = static_cast<int>(std::tuple_size_v<TokenCompositions<float>>),
                 segment = token + static_cast<int>(std::tuple_size_v<SegmentCompositions<float>>),
                 hybrid = segment + static_cast<int>(std::tuple_size_v<HybridCompositions<float>>);
  if (index < token) return gpu_side::ask_token(kept, index, given);
  if (index < segment) return gpu_side::ask_segment(kept, index - token, given);
  if (index < hybrid) return gpu_side::ask_hybrid(kept, index - segment, given);
  return gpu_side::ask_separate(kept, index - hybrid, given);
}
Answered ask_float(int index, const Given& given) { return ask(KeptAs::float32, index, given); }
Answered ask_bfloat16(int index, const Given& given) { return ask(KeptAs::bfloat16, index, given); }

}  // namespace

TEST_CASE("layers in float on the GPU match the reference", "[gpu][conformance]") {
  check_compositions<float, float>("gpu", ask_float, 300);
}
TEST_CASE("layers in bfloat16 on the GPU match the reference", "[gpu][conformance]") {
  check_compositions<float, BFloat16>("gpu, bfloat16", ask_bfloat16, 300);
}
TEST_CASE("gradients of layers on the GPU match the CPU's", "[gpu][gradient]") {
  SECTION("float") { check_gradients<float>(ask_float, 1e-4); }
  SECTION("bfloat16") { check_gradients<BFloat16>(ask_bfloat16, 5e-2); }
}
TEST_CASE("twenty equal steps on the GPU are bitwise identical", "[gpu][determinism]") {
  for (const Index rows : {1, 100, 3000}) {
    const auto hashes = gpu_side::hashes_of_steps(20, rows);
    CHECK(hashes == std::vector<std::uint64_t>(20, hashes.front()));
  }
}
TEST_CASE("results of two concurrent streams are bitwise identical to those of a single stream", "[gpu][determinism]") {
  CHECK(gpu_side::two_streams_agree());
}
TEST_CASE("sums of integers are exact on the GPU", "[gpu]") { CHECK(gpu_side::wrong_values_of_whole_numbers() == 0); }
TEST_CASE("every architecture in bfloat16 computes on the GPU what it computes on the CPU", "[gpu][gradient]") {
  for (const Composition& composition : every_composition(Registry<BFloat16, Cpu<>>())) {
    INFO(composition.architecture << " " << composition.fusion);
    CHECK(worst_nmse(results_by_name<BFloat16, Cpu<>>(CpuContext{.threads = 1}, composition),
                     gpu_side::results_by_name(composition)) < 1e-3);
  }
}
TEST_CASE("tensors on the host are stepped through slots of the GPU", "[gpu]") {
  CHECK(gpu_side::wrong_values_of_copy_lanes() == 0);
}
TEST_CASE("optimizer state in pinned host memory is bitwise identical to state on the GPU", "[gpu]") {
  CHECK(gpu_side::offloaded_state_has_the_bits_of_resident());
}
TEST_CASE("a snapshot of the GPU has the values at its beginning", "[gpu]") {
  CHECK(gpu_side::wrong_values_of_snapshots() == 0);
}
TEST_CASE("independent products of the GPU are those of plain loops", "[gpu]") {
  CHECK(gpu_side::worst_of_independent_products() <= 1);
}
TEST_CASE("a matrix on the GPU may have more than 2^31 values", "[gpu]") {
  CHECK(gpu_side::wrong_values_past_2_to_the_31() == 0);
}
TEST_CASE("the error on exhausted GPU memory states the bytes, and the layer works afterwards", "[gpu][memory]") {
  const std::string text = gpu_side::text_when_memory_is_out(std::size_t{1} << 42);
  INFO(text);
  CHECK(text.find("4398046511104 bytes were requested") != std::string::npos);
  CHECK(text.find("free") != std::string::npos);
  CHECK(text.find("other bits") == std::string::npos);
}
TEST_CASE("GPU memory use does not grow from step to step", "[gpu][memory]") {
  const auto used = gpu_side::used_after_steps(12);
  CHECK(std::vector<std::size_t>(used.begin() + 2, used.end()) == std::vector<std::size_t>(10, used[1]));
}
