/// Measures layers on one GPU, alternating with limits of the same GPU: the rate of dense products, the rate of a copy,
/// and cuBLAS's grouped product. Times are from CUDA events around whole calls, so they include the time in which the
/// device waits for the host. Results are medians over the rounds.
///
///   layer_bench [--shapes NAME,...] [--rounds N] [--format table|jsonl]
#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/fill_on_device.hpp"
#include "moe/cuda.cuh"

namespace {

using moe::BFloat16;
using moe::Cuda;
using moe::Index;
using Context = moe::CudaContext;
using Tensor = moe::Matrix<BFloat16, Cuda>;
using moe_bench::fill_on_device;

// --- measurements ---------------------------------------------------------------------------------------------------

/// One timed operation, with its FLOPs and bytes.
struct Measured {
  std::string shape, what;
  double flops = 0, bytes = 0;
  std::vector<double> seconds{};
  /// Bytes saved by a forward pass, and peak bytes of the memory pool. Weights, their gradients and the workspaces of
  /// cuBLAS are not included.
  double saved = 0, peak = 0;

  double median() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }
  double spread() const {
    const auto [low, high] = std::minmax_element(seconds.begin(), seconds.end());
    return median() > 0 ? (*high - *low) / median() : 0;
  }
};

class Clock {
 public:
  explicit Clock(cudaStream_t stream) : stream_(stream) {
    moe::gpu::check(cudaEventCreate(&begin_), "layer_bench");
    moe::gpu::check(cudaEventCreate(&end_), "layer_bench");
  }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  ~Clock() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  /// Seconds on the device from the start to the end of the work that f enqueues.
  double time(const std::function<void()>& f) {
    moe::gpu::check(cudaStreamSynchronize(stream_), "layer_bench");
    moe::gpu::check(cudaEventRecord(begin_, stream_), "layer_bench");
    f();
    moe::gpu::check(cudaEventRecord(end_, stream_), "layer_bench");
    moe::gpu::check(cudaEventSynchronize(end_), "layer_bench");
    float milliseconds = 0;
    moe::gpu::check(cudaEventElapsedTime(&milliseconds, begin_, end_), "layer_bench");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

template <class Layer>
void fill_weights(const Context& context, Layer& layer) {
  std::uint32_t seed = 1;
  moe::for_each_tensor([&](auto& weight) { fill_on_device(context, weight.view(), 0.03f, seed++); }, layer);
}

double bytes_in_use() {
  std::size_t free = 0, total = 0;
  moe::gpu::check(cudaMemGetInfo(&free, &total), "layer_bench");
  return static_cast<double>(total - free);
}
/// The memory pool of matrices, after the device has completed all pending frees.
cudaMemPool_t settled_pool() {
  cudaMemPool_t pool = nullptr;
  int device = 0;
  moe::gpu::check(cudaDeviceSynchronize(), "layer_bench");
  moe::gpu::check(cudaGetDevice(&device), "layer_bench");
  moe::gpu::check(cudaDeviceGetDefaultMemPool(&pool, device), "layer_bench");
  return pool;
}
double pool_bytes(cudaMemPoolAttr which) {
  std::uint64_t bytes = 0;
  moe::gpu::check(cudaMemPoolGetAttribute(settled_pool(), which, &bytes), "layer_bench");
  return static_cast<double>(bytes);
}
void forget_peak() {
  std::uint64_t none = 0;
  moe::gpu::check(cudaMemPoolSetAttribute(settled_pool(), cudaMemPoolAttrUsedMemHigh, &none), "layer_bench");
}

// --- limits ---------------------------------------------------------------------------------------------------------

/// y = x w^T, dense: `rows` x `in` times `out` x `in`.
class DenseProduct {
 public:
  DenseProduct(const Context& context, Index rows, Index in, Index out)
      : context_(context),
        x_(Tensor::uninitialized(context, rows, in)),
        w_(Tensor::uninitialized(context, out, in)),
        y_(Tensor::uninitialized(context, rows, out)) {
    fill_on_device(context, x_.view(), 1, 1);
    fill_on_device(context, w_.view(), 1, 2);
  }
  double flops() const { return 2.0 * static_cast<double>(x_.rows()) * static_cast<double>(w_.size()); }
  void run() { Cuda::grouped_product(context_, x_, {w_.const_view()}, {0, x_.rows()}, y_.view()); }

 private:
  const Context& context_;
  Tensor x_, w_, y_;
};

/// One product over the same groups by cublasGemmGroupedBatchedEx.
class CublasGrouped {
 public:
  CublasGrouped(const Context& context, const std::vector<Index>& offsets, Index in, Index out)
      : groups_(static_cast<int>(offsets.size()) - 1),
        x_(Tensor::uninitialized(context, offsets.back(), in)),
        y_(Tensor::uninitialized(context, offsets.back(), out)),
        w_(Tensor::uninitialized(context, out * groups_, in)) {
    fill_on_device(context, x_.view(), 1, 1);
    fill_on_device(context, w_.view(), 1, 2);
    moe::gpu::check(cublasCreate(&handle_), "layer_bench");
    moe::gpu::check(cublasSetStream(handle_, context.device->stream()), "layer_bench");
    std::vector<const void*> a, b;
    std::vector<void*> c;
    for (int g = 0; g < groups_; ++g) {
      const auto at = static_cast<std::size_t>(g);
      if (offsets[at] == offsets[at + 1]) continue;
      m_.push_back(static_cast<int>(out));
      n_.push_back(static_cast<int>(offsets[at + 1] - offsets[at]));
      k_.push_back(static_cast<int>(in));
      a.push_back(w_.view().row(g * out).data);
      b.push_back(x_.view().row(offsets[at]).data);
      c.push_back(y_.view().row(offsets[at]).data);
      flops_ += 2.0 * static_cast<double>(m_.back()) * n_.back() * k_.back();
    }
    groups_ = static_cast<int>(m_.size());
    for (void** list : {&a_, &b_, &c_}) moe::gpu::check(cudaMalloc(list, m_.size() * sizeof(void*)), "layer_bench");
    const auto send = [&](void* to, const auto& list) {
      moe::gpu::check(cudaMemcpy(to, list.data(), list.size() * sizeof(void*), cudaMemcpyHostToDevice), "layer_bench");
    };
    send(a_, a);
    send(b_, b);
    send(c_, c);
  }
  CublasGrouped(const CublasGrouped&) = delete;
  CublasGrouped& operator=(const CublasGrouped&) = delete;
  ~CublasGrouped() {
    for (void* list : {a_, b_, c_}) cudaFree(list);
    cublasDestroy(handle_);
  }
  double flops() const { return flops_; }
  void run() {
    const std::vector<cublasOperation_t> t(m_.size(), CUBLAS_OP_T), n(m_.size(), CUBLAS_OP_N);
    const std::vector<float> one(m_.size(), 1), none(m_.size(), 0);
    const std::vector<int> each(m_.size(), 1);
    moe::gpu::check(cublasGemmGroupedBatchedEx(handle_, t.data(), n.data(), m_.data(), n_.data(), k_.data(), one.data(),
                                               static_cast<const void* const*>(a_), CUDA_R_16BF, k_.data(),
                                               static_cast<const void* const*>(b_), CUDA_R_16BF, k_.data(), none.data(),
                                               static_cast<void* const*>(c_), CUDA_R_16BF, m_.data(), groups_,
                                               each.data(), CUBLAS_COMPUTE_32F),
                    "cublasGemmGroupedBatchedEx");
  }

 private:
  int groups_;
  Tensor x_, y_, w_;
  cublasHandle_t handle_ = nullptr;
  std::vector<int> m_, n_, k_;
  void *a_ = nullptr, *b_ = nullptr, *c_ = nullptr;
  double flops_ = 0;
};

// --- layers ---------------------------------------------------------------------------------------------------------

/// A layer's sizes and the batch it runs on.
struct Plan {
  std::string name;
  Index sequences = 1, length = 0, width = 0, hidden = 0;
};

/// Every round runs each entry once. The first round is a warm-up and is not counted.
class Rounds {
 public:
  Rounds(const Context& context, int rounds) : clock_(context.device->stream()), rounds_(rounds) {}
  /// `prepare` is not timed.
  void add(
      Measured measured, std::function<void()> run, std::function<void()> prepare = [] {}) {
    entries_.push_back({std::move(measured), std::move(prepare), std::move(run)});
  }
  void run(std::vector<Measured>& results) {
    for (int round = -1; round < rounds_; ++round)
      for (Entry& entry : entries_) {
        entry.prepare();
        const double seconds = clock_.time(entry.run);
        if (round >= 0) entry.measured.seconds.push_back(seconds);
      }
    for (Entry& entry : entries_) results.push_back(std::move(entry.measured));
    entries_.clear();
  }

 private:
  struct Entry {
    Measured measured;
    std::function<void()> prepare, run;
  };
  Clock clock_;
  int rounds_;
  std::vector<Entry> entries_;
};

/// Measures a layer and the limits for its sizes. `trains` selects the trainable weights by name.
template <class Layer, class Trains>
void measure(const Context& context, const Plan& plan, Layer layer, const Trains& trains, int rounds,
             std::vector<Measured>& results) {
  const Index rows = plan.sequences * plan.length;
  const moe::Batch batch = moe::Batch::sequences(plan.sequences, plan.length);
  fill_weights(context, layer);
  auto x_TD = Tensor::uninitialized(context, rows, plan.width),
       d_y_TD = Tensor::uninitialized(context, rows, plan.width);
  fill_on_device(context, x_TD.view(), 1, 77);
  fill_on_device(context, d_y_TD.view(), 1, 78);
  auto gradient = moe::accum_gradient_for(layer, trains);

  // FLOPs and memory, counted in one run.
  const double before = pool_bytes(cudaMemPoolAttrUsedMemCurrent);
  auto first = layer.forward(context, x_TD, batch);
  const double kept =
      pool_bytes(cudaMemPoolAttrUsedMemCurrent) - before - static_cast<double>(first.output.size()) * sizeof(BFloat16);
  const double d = static_cast<double>(plan.width);
  double forward = 0, learning = 0;
  const auto count = [&](const std::vector<Index>& loads, double hidden, const auto& learns) {
    for (std::size_t e = 0; e < loads.size(); ++e) {
      const double products = 2.0 * static_cast<double>(loads[e]) * 3 * d * hidden;
      forward += products;
      if (learns(e)) learning += products;
    }
  };
  const auto of_bank = [](const auto& bank) {
    return [&bank](std::size_t e) { return !bank.experts[e].up_proj.empty(); };
  };
  const double f = static_cast<double>(plan.hidden);
  if constexpr (requires { first.stats.segment; }) {
    count(first.stats.token.load, f, of_bank(gradient.token.bank));
    count(first.stats.segment.load, f, of_bank(gradient.segment.bank));
  } else {
    count(first.stats.load, f, of_bank(gradient.bank));
    if constexpr (requires { layer.shared_path.ffn; })
      count({rows}, static_cast<double>(layer.shared_path.ffn.hidden()), [](std::size_t) { return true; });
  }
  forget_peak();
  layer.backward(context, d_y_TD, {.balance = 0.01}, std::move(first.saved), gradient);
  const double peak = pool_bytes(cudaMemPoolAttrUsedMemHigh);

  Rounds turns(context, rounds);
  // Dense products with the same number of operations: one expert that processes every row.
  const auto dense_rows = static_cast<Index>(forward / (6 * d * f));
  DenseProduct up(context, dense_rows, plan.width, plan.hidden), down(context, dense_rows, plan.hidden, plan.width);
  turns.add({plan.name, "dense products, as many operations as forward", 2 * up.flops() + down.flops()}, [&] {
    up.run();
    up.run();
    down.run();
  });
  DenseProduct peak_product(context, 8192, 8192, 8192);
  turns.add({plan.name, "dense product 8192^3", peak_product.flops()}, [&] { peak_product.run(); });
  const Index copied = Index{1} << 30;
  auto from = moe::Matrix<BFloat16, Cuda>::uninitialized(context, 1, copied / 2), to = from.copy();
  turns.add({plan.name, "copy", 0, 2.0 * static_cast<double>(copied)}, [&] {
    moe::gpu::check(cudaMemcpyAsync(to.data(), from.data(), static_cast<std::size_t>(copied), cudaMemcpyDeviceToDevice,
                                    context.device->stream()),
                    "layer_bench");
  });

  using Forward = decltype(layer.forward(context, x_TD.const_view(), batch));
  std::vector<Forward> last;
  turns.add(
      {plan.name, "forward", forward, 0, {}, kept},
      [&] { last.push_back(layer.forward(context, x_TD.const_view(), batch)); }, [&] { last.clear(); });
  turns.add({plan.name, "backward", forward + learning, 0, {}, 0, peak},
            [&] { layer.backward(context, d_y_TD, {.balance = 0.01}, std::move(last.back().saved), gradient); });
  turns.add({plan.name, "infer", forward}, [&] { layer.infer(context, x_TD, batch); });

  // The parts of the token level, one at a time.
  const auto& token = [&]() -> const auto& {
    if constexpr (requires { layer.token; })
      return layer.token;
    else
      return layer;
  }
  ();
  std::vector<moe::Plan<Cuda>> grouped;
  turns.add(
      {plan.name, "routing: logits, choice, gates, pairs"},
      [&] {
        auto routed = token.routing.template route<moe::Training>(context, x_TD, batch);
        grouped.push_back(moe::arrived<float, Cuda>(context, std::move(routed.route)).plan);
      },
      [&] { grouped.clear(); });
  auto routed = token.routing.template route<moe::Training>(context, x_TD, batch);
  auto route = moe::arrived<float, Cuda>(context, std::move(routed.route));
  route.plan.complete();
  const auto& pairs = route.plan;
  const auto& gates = route.weights_1N;
  auto x_ND = Tensor::uninitialized(context, pairs.pairs(), plan.width),
       y_TD = Tensor::uninitialized(context, rows, plan.width);
  const double pair_bytes = static_cast<double>(x_ND.size()) * sizeof(BFloat16),
               row_bytes = static_cast<double>(y_TD.size()) * sizeof(BFloat16);
  turns.add({plan.name, "gather rows", 0, 2 * pair_bytes},
            [&] { Cuda::gather_rows(context, x_TD, pairs, x_ND.view()); });
  turns.add({plan.name, "combine rows", 0, pair_bytes + row_bytes},
            [&] { Cuda::combine_rows(context, x_ND, gates, pairs, y_TD.view()); });

  // One product over the token level's groups, by this library and by cuBLAS.
  CublasGrouped grouped_by_cublas(context, pairs.offsets, plan.width, plan.hidden);
  auto h_NF = Tensor::uninitialized(context, pairs.pairs(), plan.hidden);
  std::vector<moe::View<const BFloat16, Cuda>> weights;
  for (const auto& expert : token.bank.experts) weights.push_back(expert.up_proj.view());
  turns.add({plan.name, "product of groups", grouped_by_cublas.flops()},
            [&] { Cuda::grouped_product(context, x_ND, weights, pairs.offsets, h_NF.view()); });
  turns.add({plan.name, "product of groups, cublasGemmGroupedBatchedEx", grouped_by_cublas.flops()},
            [&] { grouped_by_cublas.run(); });
  turns.run(results);
}

void measure_shape(const Context& context, const std::string& name, int rounds, std::vector<Measured>& results) {
  const auto all = [](const std::string&) { return true; };
  using Swiglu = moe::SwiGlu<BFloat16, Cuda>;
  if (name == "paper-4x1024" || name == "paper-64x1024") {
    // MultiPL-MoE's layer: the shared expert is frozen.
    const Plan plan{name, name == "paper-4x1024" ? 4 : 64, 1024, 2048, 5504};
    measure(context, plan, moe::make_multipl<moe::MultiPlMoe<BFloat16, Cuda>>({}),
            moe::TrainByName{.train = {"*"}, .freeze = {"token.experts.0.*"}}, rounds, results);
  } else if (name == "mixtral") {
    const Plan plan{name, 1, 8192, 4096, 14336};
    measure(context, plan,
            moe::Mixtral<BFloat16, Cuda>(moe::TopK{.k = 2}, {}, {}, moe::ExpertBank<Swiglu>(8, 4096, 14336)), all,
            rounds, results);
  } else if (name == "qwen1.5-moe") {
    const Plan plan{name, 1, 16384, 2048, 1408};
    measure(context, plan,
            moe::Qwen15Moe<BFloat16, Cuda>(moe::TopK{.k = 4}, {}, {}, moe::ExpertBank<Swiglu>(60, 2048, 1408),
                                           moe::SharedExpert<Swiglu, moe::SigmoidGate>(2048, 5632)),
            all, rounds, results);
  } else if (name == "small") {
    // For trials of the program.
    const Plan plan{name, 4, 256, 256, 512};
    measure(context, plan, moe::make_multipl<moe::MultiPlMoe<BFloat16, Cuda>>({.width = 256, .hidden = 512}), all,
            rounds, results);
  } else {
    throw moe::Error(
        "[layer_bench] --shapes must name some of paper-4x1024, paper-64x1024, mixtral, qwen1.5-moe, small; got " +
        name);
  }
}

// --- report ---------------------------------------------------------------------------------------------------------

void print_table(const std::vector<Measured>& results) {
  std::map<std::string, double> dense, copies;
  for (const Measured& m : results) {
    if (m.what.starts_with("dense products")) dense[m.shape] = m.flops / m.median();
    if (m.what == "copy") copies[m.shape] = m.bytes / m.median();
  }
  std::printf(
      "| shape | what | median ms | spread | TFLOP/s | of dense | TB/s | of copy | saved MB | peak of the pool MB |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Measured& m : results) {
    const double s = m.median();
    const auto cell = [](bool has, const char* format, double value) { std::printf(has ? format : " |", value); };
    std::printf("| %s | %s | %.4f | %.0f %% |", m.shape.c_str(), m.what.c_str(), 1e3 * s, 100 * m.spread());
    cell(m.flops > 0, " %.0f |", 1e-12 * m.flops / s);
    cell(m.flops > 0, " %.2f |", m.flops / s / dense[m.shape]);
    cell(m.bytes > 0, " %.2f |", 1e-12 * m.bytes / s);
    cell(m.bytes > 0, " %.2f |", m.bytes / s / copies[m.shape]);
    cell(m.saved > 0, " %.0f |", 1e-6 * m.saved);
    cell(m.peak > 0, " %.0f |\n", 1e-6 * m.peak);
    if (m.peak <= 0) std::printf("\n");
  }
}
void print_lines(const std::vector<Measured>& results) {
  for (const Measured& m : results) {
    std::printf(
        "{\"shape\":\"%s\",\"what\":\"%s\",\"flops\":%.0f,\"bytes\":%.0f,\"saved\":%.0f,\"peak\":%.0f,\"seconds\":[",
        m.shape.c_str(), m.what.c_str(), m.flops, m.bytes, m.saved, m.peak);
    for (std::size_t i = 0; i < m.seconds.size(); ++i) std::printf(i == 0 ? "%.9f" : ",%.9f", m.seconds[i]);
    std::printf("]}\n");
  }
}

struct Arguments {
  std::vector<std::string> shapes{"paper-4x1024", "paper-64x1024", "mixtral", "qwen1.5-moe"};
  int rounds = 7;
  bool lines = false;
};
Arguments parse(int count, char** texts) {
  Arguments arguments;
  const std::string usage = "usage: layer_bench [--shapes NAME,...] [--rounds N] [--format table|jsonl]";
  for (int i = 1; i < count; i += 2) {
    const std::string_view flag = texts[i];
    if (i + 1 == count) throw moe::Error("[layer_bench] " + std::string(flag) + " needs a value; " + usage);
    const std::string value = texts[i + 1];
    if (flag == "--shapes") {
      arguments.shapes.clear();
      for (std::size_t at = 0; at <= value.size();) {
        const std::size_t end = std::min(value.find(',', at), value.size());
        arguments.shapes.push_back(value.substr(at, end - at));
        at = end + 1;
      }
    } else if (flag == "--rounds") {
      arguments.rounds = std::atoi(value.c_str());
      if (arguments.rounds < 1) throw moe::Error("[layer_bench] --rounds must be at least 1, got " + value);
    } else if (flag == "--format" && (value == "table" || value == "jsonl")) {
      arguments.lines = value == "jsonl";
    } else {
      throw moe::Error("[layer_bench] unknown option or value: " + std::string(flag) + " " + value + "; " + usage);
    }
  }
  return arguments;
}

}  // namespace

int main(int count, char** texts) {
  try {
    const Arguments arguments = parse(count, texts);
    const Context context;
    cudaDeviceProp properties{};
    int driver = 0, runtime = 0;
    moe::gpu::check(cudaGetDeviceProperties(&properties, 0), "layer_bench");
    moe::gpu::check(cudaDriverGetVersion(&driver), "layer_bench");
    moe::gpu::check(cudaRuntimeGetVersion(&runtime), "layer_bench");
    std::fprintf(stderr, "%s, %.0f GiB, driver for CUDA %d.%d, runtime %d.%d, %.1f GB in use before\n", properties.name,
                 static_cast<double>(properties.totalGlobalMem) / (1 << 30), driver / 1000, driver % 1000 / 10,
                 runtime / 1000, runtime % 1000 / 10, 1e-9 * bytes_in_use());
    std::vector<Measured> results;
    for (const std::string& shape : arguments.shapes) measure_shape(context, shape, arguments.rounds, results);
    arguments.lines ? print_lines(results) : print_table(results);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
