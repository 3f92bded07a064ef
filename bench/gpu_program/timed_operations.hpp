/// The operations of a language model beside its layers, timed one at a time on a device, and the limits of the device.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/fill_on_device.hpp"
#include "bench/gpu_program/subject.hpp"
#include "moe/core/matrix.hpp"
#include "moe/ops/linear.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/model/block_attention.hpp"
#include "multipl_moe/model/cross_entropy.hpp"
#include "multipl_moe/model/rms_norm.hpp"

namespace gpu_program {

/// `Clock::time(f)`: seconds from the start to the end of the work that f enqueues. An operation runs for at least
/// `warm_up` seconds before its `rounds` are counted: the first run loads kernels, and a GPU that was idle takes a
/// while to raise its clocks.
template <class Value, class B, class Clock>
class TimedOperations {
 public:
  using Index = moe::Index;
  using Context = typename B::Context;
  using Tensor = moe::Matrix<Value, B>;

  TimedOperations(const Context& context, Clock& clock, int rounds, double warm_up = 2)
      : context_(context), clock_(clock), rounds_(rounds), warm_up_(warm_up) {}

  /// `width`: rows and columns of both factors of the product; `bytes`: of the copy's source.
  std::vector<TimedOperation> ceilings(Index width, Index bytes) {
    std::vector<TimedOperation> found;
    {
      const auto from = drawn(1, bytes / static_cast<Index>(sizeof(Value)), 1, 1);
      auto to = Tensor::uninitialized(context_, 1, from.cols());
      const std::size_t size = static_cast<std::size_t>(from.size()) * sizeof(Value);
      found.push_back(timed("copy", 0, 2.0 * static_cast<double>(size),
                            [&] { context_.device->copy(context_.device.get(), to.data(), from.data(), size); }));
    }
    const auto x = drawn(width, width, 1, 1), w = drawn(width, width, 1, 2);
    auto y = Tensor::uninitialized(context_, width, width);
    found.push_back(timed("dense product", 2.0 * static_cast<double>(width * width * width), 0, [&] {
      B::grouped_product(context_, x, {w.view()}, {0, width}, y.view());
    }));
    return found;
  }

  std::vector<TimedOperation> of_model(const OperationSizes& sizes) {
    std::vector<TimedOperation> found;
    attention(sizes, found);
    loss(sizes, found);
    norm(sizes, found);
    return found;
  }

 private:
  Tensor drawn(Index rows, Index cols, float size, std::uint32_t seed) {
    auto x = Tensor::uninitialized(context_, rows, cols);
    moe_bench::fill_on_device(context_, x.view(), size, seed);
    return x;
  }

  template <class F>
  TimedOperation timed(std::string what, double flops, double bytes, const F& f) {
    double passed = 0;
    do passed += clock_.time(f);
    while (passed < warm_up_);
    std::vector<double> seconds;
    for (int round = 0; round < rounds_; ++round) seconds.push_back(clock_.time(f));
    std::sort(seconds.begin(), seconds.end());
    return {std::move(what), seconds[seconds.size() / 2], seconds.front(), flops, bytes};
  }

  void attention(const OperationSizes& sizes, std::vector<TimedOperation>& found) {
    const auto& config = sizes.config;
    const multipl_moe::AttentionShape shape{config.num_attention_heads, config.num_key_value_heads, config.head_dim(),
                                            0};
    using Attention = multipl_moe::BlockAttention<Value, B>;
    const auto batch = moe::Batch::sequences(sizes.sequences, sizes.length);
    const auto places = Attention::places(context_, batch);
    const Attention attention(shape, batch, places);
    const Index rows = batch.rows(), queries = shape.heads * shape.head_dim, keys = shape.kv_heads * shape.head_dim;
    const auto q = drawn(rows, queries, 1, 3), k = drawn(rows, keys, 1, 4), v = drawn(rows, keys, 1, 5),
               d_o = drawn(rows, queries, 1, 6);
    // A query attends to half of the keys on average, in two products forward and in five backward.
    const double product = static_cast<double>(rows * sizes.length * queries);
    auto output = attention.attend(context_, q, k, v);
    found.push_back(timed("attention, forward", 2 * product, 0, [&] { output = attention.attend(context_, q, k, v); }));
    found.push_back(timed("attention, backward", 5 * product, 0,
                          [&] { static_cast<void>(attention.gradient(context_, d_o, q, k, v, output)); }));
  }

  /// Of a frozen head, as in post-training.
  void loss(const OperationSizes& sizes, std::vector<TimedOperation>& found) {
    using Head = moe::Linear<Value, B>;
    const Index vocabulary = sizes.config.vocab_size;
    auto head = Head::without_bias(sizes.config.hidden_size, vocabulary);
    moe_bench::fill_on_device(context_, head.weight.view(), 0.03F, 7);
    auto gradient = moe::accum_gradient_for(head, [](const std::string&) { return false; });
    const auto h = drawn(sizes.tokens(), sizes.config.hidden_size, 1, 8);
    std::vector<std::int32_t> targets;
    for (Index t = 0; t < sizes.tokens(); ++t) targets.push_back(static_cast<std::int32_t>(t * 7919 % vocabulary));
    const multipl_moe::CrossEntropy<Value, B> loss_of;
    found.push_back(timed("loss and its gradient, frozen head",
                          4.0 * static_cast<double>(h.size()) * static_cast<double>(vocabulary), 0, [&] {
                            static_cast<void>(loss_of.loss_and_gradient(
                                context_, head, h, targets, 1 / static_cast<double>(targets.size()), gradient));
                          }));
  }

  void norm(const OperationSizes& sizes, std::vector<TimedOperation>& found) {
    multipl_moe::RmsNorm<Value, B> norm(sizes.config.hidden_size, sizes.config.rms_norm_eps);
    auto gradient = moe::accum_gradient_for(norm, [](const std::string&) { return false; });
    const auto x = drawn(sizes.tokens(), sizes.config.hidden_size, 1, 9), d_y = drawn(x.rows(), x.cols(), 1, 10);
    auto y = Tensor::uninitialized(context_, x.rows(), x.cols()), d_x = drawn(x.rows(), x.cols(), 1, 11);
    const double row = static_cast<double>(static_cast<std::size_t>(x.size()) * sizeof(Value));
    auto scales = norm.forward_into(context_, x, y.view());
    found.push_back(timed("norm, forward", 0, 2 * row, [&] { scales = norm.forward_into(context_, x, y.view()); }));
    found.push_back(timed("norm, backward, frozen weight", 0, 4 * row,
                          [&] { norm.add_backward(context_, d_y, x, scales, d_x.view(), gradient); }));
  }

  const Context& context_;
  Clock& clock_;
  int rounds_;
  double warm_up_;
};

}  // namespace gpu_program
