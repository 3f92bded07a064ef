#include "moe/routing/steps/segment.hpp"
#include "moe/ops/upload_indices.hpp"

#include "bench/ops/op_bench.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"

namespace moe_bench {

namespace {

struct Cut {
  moe::Segments segments;
  moe::Matrix<moe::Index, Cpu> begin_1V;
  Tensor means_VD, d_x_TD;

  explicit Cut(const Dealt& d)
      : segments(moe::cut_into_segments(moe::FixedWindow{.window = window_of(d.shape)}, batch_of(d.shape))),
        begin_1V(moe::upload_indices<Cpu>(d.context, segments.begin)),
        means_VD(uniform_tensor(d.context, segments.count(), d.shape.width, 9)),
        d_x_TD(d.shape.rows, d.shape.width) {}
};

}  // namespace

void add_segment(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "cut_into_segments", "forward", [](const Dealt& d) {
    return Call{[&d, batch = batch_of(d.shape)] {
      const auto segments = moe::cut_into_segments(moe::FixedWindow{.window = window_of(d.shape)}, batch);
      benchmark::DoNotOptimize(segments.of_row.data());
    }};
  });
  add_op(suite, context, shape, "segment_means", "forward", [](const Dealt& d) {
    auto t = std::make_shared<Cut>(d);
    return Call{[&d, t] { Cpu::segment_means(d.context, d.x_TD.const_view(), t->begin_1V, t->means_VD.view()); }, 0,
                float_bytes(d.x_TD.size() + t->means_VD.size())};
  });
  add_op(suite, context, shape, "segment_means", "backward", [](const Dealt& d) {
    auto t = std::make_shared<Cut>(d);
    return Call{[&d, t] { Cpu::add_segment_means_backward(d.context, t->means_VD, t->begin_1V, t->d_x_TD.view()); }, 0,
                float_bytes(2 * t->d_x_TD.size() + t->means_VD.size())};
  });
}

}  // namespace moe_bench
