#include "backend/cuda/gpu/checks.hpp"

#include <cuda_runtime.h>

#include <cstring>
#include <future>
#include <span>

#include "moe/cuda.cuh"
#include "support/check_copy_lane.hpp"
#include "support/check_products.hpp"
#include "support/offloaded_state.hpp"

namespace moe::testing::gpu_side {

namespace {

using Layer = CausalMultiPlMoe<BFloat16, Cuda>;
using Tensor = Matrix<BFloat16, Cuda>;

template <class Value>
std::uint64_t hash(const CudaContext& context, const Matrix<Value, Cuda>& values, std::uint64_t hash) {
  std::vector<Value> on_host(static_cast<std::size_t>(values.size()));
  Cuda::download(context, values.view(), on_host.data());
  const auto* bytes = reinterpret_cast<const unsigned char*>(on_host.data());
  for (std::size_t i = 0; i < on_host.size() * sizeof(Value); ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

Layer drawn_layer(const CudaContext& context) {
  Layer layer = make_multipl<Layer>({.width = 256, .hidden = 384, .token_experts = 6, .segment_experts = 6});
  initialize(context, layer, 7, 0.05);
  return layer;
}
Tensor drawn_rows(const CudaContext& context, Index rows) {
  auto x_TD = Tensor::uninitialized(context, rows, 256);
  draw_normal(context, x_TD, 8, "x", 1);
  return x_TD;
}
std::uint64_t hash_of_step(const CudaContext& context, const Layer& layer, const Tensor& x_TD) {
  auto gradient = accum_gradient_for(layer);
  auto run = layer.forward(context, x_TD, Batch::single(x_TD.rows()));
  std::uint64_t bits = hash(context, run.output, 14695981039346656037u);
  bits = hash(context, layer.backward(context, run.output, {.balance = 0.01}, std::move(run.saved), gradient), bits);
  for_each_tensor([&](const auto& slope) { bits = hash(context, slope, bits); }, gradient);
  return bits;
}

}  // namespace

std::vector<std::uint64_t> hashes_of_steps(int times, Index rows) {
  const CudaContext context;
  const Layer layer = drawn_layer(context);
  const Tensor x_TD = drawn_rows(context, rows);
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < times; ++i) hashes.push_back(hash_of_step(context, layer, x_TD));
  return hashes;
}

Index wrong_values_past_2_to_the_31() {
  const CudaContext context;
  const Index cols = 4096, rows = (Index{1} << 19) + 3, few = 8;
  auto x_TD = Tensor::uninitialized(context, rows, cols);
  // Integers below 256, which bfloat16 represents exactly.
  Cuda::for_each_cell(context, rows, cols, [x = x_TD.view()] MOE_ON_DEVICE(Index r, Index c) {
    x(r, c) = BFloat16(static_cast<float>((r + c) % 251));
  });
  // The last rows, and the first, in one plan.
  auto chosen = Matrix<ChoiceOrder, Cuda>::zeros(context, rows, 1);
  Cuda::for_each(context, rows,
                 [=, chosen = chosen.view()] MOE_ON_DEVICE(Index r) { chosen(r, 0) = r == 0 || r + few > rows; });
  const auto plan = Cuda::group_by_expert(context, chosen.const_view());
  auto x_ND = Tensor::uninitialized(context, plan.pairs(), cols);
  Cuda::gather_rows(context, x_TD, plan, x_ND.view());
  std::vector<BFloat16> gathered(static_cast<std::size_t>(x_ND.size()));
  Cuda::download(context, x_ND.const_view(), gathered.data());
  Index wrong = plan.pairs() == few ? 0 : 1;
  for (Index n = 0; n < plan.pairs(); ++n)
    for (Index c = 0; c < cols; ++c) {
      const Index r = n == 0 ? 0 : rows - few + n;
      wrong +=
          static_cast<float>(gathered[static_cast<std::size_t>(n * cols + c)]) != static_cast<float>((r + c) % 251);
    }

  auto sums_1D = Matrix<float, Cuda>::zeros(context, 1, cols);
  Cuda::add_column_sums<float, BFloat16>(context, x_TD, sums_1D.view());
  std::vector<float> sums(static_cast<std::size_t>(cols));
  Cuda::download(context, sums_1D.const_view(), sums.data());
  for (Index c = 0; c < cols; ++c) {
    double expected = 0;
    for (Index r = 0; r < rows; ++r) expected += static_cast<double>((r + c) % 251);
    wrong += std::abs(static_cast<double>(sums[static_cast<std::size_t>(c)]) - expected) > 1e-5 * expected;
  }
  return wrong;
}

std::string text_when_memory_is_out(std::size_t bytes) {
  const CudaContext context;
  const Layer layer = drawn_layer(context);
  const Tensor x_TD = drawn_rows(context, 64);
  const std::uint64_t before = hash_of_step(context, layer, x_TD);
  std::string text;
  try {
    Matrix<float, Cuda>::uninitialized(context, 1, static_cast<Index>(bytes / sizeof(float)));
  } catch (const std::bad_alloc& error) {
    text = error.what();
  }
  return hash_of_step(context, layer, x_TD) == before ? text : text + " (and the layer gives other bits)";
}

std::vector<std::size_t> used_after_steps(int times) {
  const CudaContext context;
  const Layer layer = drawn_layer(context);
  const Tensor x_TD = drawn_rows(context, 1024);
  std::vector<std::size_t> used;
  for (int i = 0; i < times; ++i) {
    hash_of_step(context, layer, x_TD);
    cudaDeviceSynchronize();
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    used.push_back(total - free);
  }
  return used;
}

bool two_streams_agree() {
  // Without a GPU this context throws an error that states so; creating a stream would only fail.
  const CudaContext first;
  std::uint64_t alone = 0, both[2] = {};
  const auto step_on = [](cudaStream_t stream, std::uint64_t& result) {
    const CudaContext context(stream);
    const Layer layer = drawn_layer(context);
    const Tensor x_TD = drawn_rows(context, 1024);
    for (int i = 0; i < 5; ++i) result = hash_of_step(context, layer, x_TD);
  };
  cudaStream_t streams[2];
  for (cudaStream_t& stream : streams)
    gpu::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "two_streams_agree");
  step_on(streams[0], alone);
  auto other = std::async(std::launch::async, [&] { step_on(streams[1], both[1]); });
  step_on(streams[0], both[0]);
  other.get();
  for (cudaStream_t stream : streams) cudaStreamDestroy(stream);
  return both[0] == alone && both[1] == alone;
}

Index wrong_values_of_whole_numbers() {
  const CudaContext context;
  const Index rows = 300, cols = 64, experts = 5, k = 2;
  // Row t is routed to experts t and t + 1, modulo their number; weights are integers, gates are 1.
  auto chosen = Matrix<ChoiceOrder, Cuda>::uninitialized(context, rows, experts);
  Cuda::for_each_cell(context, rows, experts, [chosen = chosen.view()] MOE_ON_DEVICE(Index t, Index e) {
    chosen(t, e) = e == t % 5 || e == (t + 1) % 5;
  });
  const auto plan = Cuda::group_by_expert(context, chosen.const_view());
  std::vector<float> x(static_cast<std::size_t>(rows * cols)), w(static_cast<std::size_t>(experts * cols * cols)),
      ones(static_cast<std::size_t>(rows * k), 1.0f), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 17) - 8;
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i * 5 % 13) - 6;
  auto x_TD = Matrix<float, Cuda>::uninitialized(context, rows, cols),
       w_ED = Matrix<float, Cuda>::uninitialized(context, experts * cols, cols),
       gates = Matrix<float, Cuda>::uninitialized(context, 1, rows * k);
  Cuda::upload(context, x.data(), x_TD.view());
  Cuda::upload(context, w.data(), w_ED.view());
  Cuda::upload(context, ones.data(), gates.view());
  std::vector<View<const float, Cuda>> weights;
  for (Index e = 0; e < experts; ++e) weights.push_back(w_ED.const_view().rows_between(e * cols, (e + 1) * cols));
  auto x_ND = Matrix<float, Cuda>::uninitialized(context, plan.pairs(), cols),
       y_ND = Matrix<float, Cuda>::uninitialized(context, plan.pairs(), cols),
       y_TD = Matrix<float, Cuda>::uninitialized(context, rows, cols);
  Cuda::gather_rows(context, x_TD, plan, x_ND.view());
  Cuda::grouped_product(context, x_ND, weights, plan.offsets, y_ND.view());
  Cuda::combine_rows(context, y_ND, gates, plan, y_TD.view());
  Cuda::download(context, y_TD.const_view(), y.data());
  Index wrong = 0;
  for (Index t = 0; t < rows; ++t)
    for (Index o = 0; o < cols; ++o) {
      float expected = 0;
      for (const Index e : {t % 5, (t + 1) % 5})
        for (Index d = 0; d < cols; ++d)
          expected +=
              x[static_cast<std::size_t>(t * cols + d)] * w[static_cast<std::size_t>((e * cols + o) * cols + d)];
      wrong += y[static_cast<std::size_t>(t * cols + o)] != expected;
    }
  return wrong;
}

double worst_of_independent_products() {
  const CudaContext context;
  return (std::max)({worst_products<double, double, Cuda>(context), worst_products<float, float, Cuda>(context),
                     worst_products<BFloat16, float, Cuda>(context),
                     worst_products<BFloat16, BFloat16, Cuda>(context)});
}

Index wrong_values_of_copy_lanes() {
  const CudaContext context;
  return wrong_values_stepped_from_the_host<Cuda>(context, 20, Index{1} << 20);
}

bool offloaded_state_has_the_bits_of_resident() {
  const CudaContext context;
  constexpr auto split = MasterWeights::split;
  // Experts of 4 million values, in pieces of a million.
  return trained_in<BFloat16, Cuda, AdamWState<Cuda, BFloat16, split>>(context, {}, 1024, 4096) ==
         trained_in<BFloat16, Cuda, AdamWState<Cuda, BFloat16, split, Offloaded>>(context, {.piece = Index{1} << 20},
                                                                                  1024, 4096);
}

Index wrong_values_of_snapshots() {
  const CudaContext context;
  constexpr Index size = Index{1} << 24;
  auto x = Matrix<float, Cuda>::zeros(context, 1, size);
  const std::size_t bytes[] = {size * sizeof(float)};
  Snapshot<Cuda> snapshot(context, bytes);
  Index wrong = 0;
  for (int round = 0; round < 10; ++round) {
    snapshot.begin();
    snapshot.copy(0, x.const_view());
    snapshot.before_work();
    Cuda::for_each_element(context, size, [x = x.data()] MOE_ON_DEVICE(Index i) { x[i] += 1; });
    const auto reader = snapshot.finish();
    const std::span<const std::byte> seen = reader.bytes(0);
    for (std::size_t at = 0; at < seen.size(); at += sizeof(float)) {
      float value;
      std::memcpy(&value, seen.data() + at, sizeof value);
      wrong += value != static_cast<float>(round);
    }
  }
  return wrong;
}

}  // namespace moe::testing::gpu_side
