// A segment MoE: windows of 4 rows are routed as a whole, each by the mean of the previous window, so the routing is
// causal. In training each expert selects the windows with its highest scores, 2 of 6. The first windows of both
// sequences have no previous window: to the router they are identical rows and are selected together, so an expert may
// take 3. For inference each expert keeps a threshold, updated from these selections. A sequence decoded one row at a
// time then gets the same outputs as in one pass.
//
// Expected output:
//   2 sequences of 10 rows make 6 windows
//   rows per expert: 12 10 6
//   decoding one row at a time gives the outputs of the whole sequence: yes
#include <cmath>
#include <cstdio>
#include <moe/moe.hpp>

int main() {
  using Cpu = moe::Cpu<>;
  const moe::Index count = 2, length = 10, width = 8;
  const moe::CpuContext context;

  moe::SegmentMoE layer(moe::FixedWindow{.window = 4}, moe::PreviousMean<double, Cpu>(width),
                        moe::TrainInfer<moe::ExpertChoice, moe::ThresholdChoice>{}, moe::SoftmaxOverAll{},
                        moe::SegmentCapacity{.factor = 1}, moe::ExpertBank<moe::SwiGlu<double, Cpu>>(3, width, 16));
  moe::initialize(context, layer, /*seed=*/3, /*deviation=*/0.5);

  moe::Matrix<double, Cpu> x_TD(count * length, width);
  moe::draw_normal(context, x_TD, /*seed=*/3, "x", 1.0);

  const auto batch = moe::Batch::sequences(count, length);
  const auto run = layer.forward(context, x_TD, batch);
  layer.update_buffers(context, run.stats);  // updates the thresholds

  std::printf("%d sequences of %d rows make %d windows\n", int(count), int(length),
              int(run.saved.routing.cut.segments.count()));
  std::printf("rows per expert:");
  for (const moe::Index rows : run.stats.load) std::printf(" %d", int(rows));

  const auto whole_TD = layer.infer(context, x_TD, batch);
  auto state = layer.begin_decoding(context, count);
  bool same = true;
  for (moe::Index t = 0; t < length; ++t) {
    // Row t of every sequence, as a strided view: these rows are `length` rows apart.
    const moe::View<const double, Cpu> x_BD(x_TD.view().row(t).data, count, width, length * width);
    const auto y_BD = layer.decode(context, x_BD, {}, state);
    for (moe::Index b = 0; b < count; ++b)
      for (moe::Index d = 0; d < width; ++d)
        same = same && std::abs(y_BD.view()(b, d) - whole_TD.view()(b * length + t, d)) < 1e-9;
  }
  std::printf("\ndecoding one row at a time gives the outputs of the whole sequence: %s\n", same ? "yes" : "no");
}
