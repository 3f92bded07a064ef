// error: Backend: segment_maxima(context, x_TD, begin_1V, max_VD, row_VD) is missing or has another signature, see
// moe/backend/contract/segments.hpp
#include "moe/backend/cpu/cpu.hpp"

using namespace moe;

/// Has the operations of mean pooling only.
template <class B>
struct Means {
  template <class Real>
  static void segment_means(const cpu::Context<B>& context, View<const Real, B> x_TD, View<const Index, B> begin_1V,
                            View<Real, B> mean_VD) {
    cpu::SegmentsOperations<B>::segment_means(context, x_TD, begin_1V, mean_VD);
  }
  template <class Real>
  static void add_segment_means_backward(const cpu::Context<B>& context,
                                         std::type_identity_t<View<const Real, B>> d_mean_VD,
                                         View<const Index, B> begin_1V, View<Real, B> d_x_TD) {
    cpu::SegmentsOperations<B>::add_segment_means_backward(context, d_mean_VD, begin_1V, d_x_TD);
  }
};

struct Mine : cpu::MemoryOperations<Mine>,
              cpu::ElementwiseOperations<Mine>,
              cpu::GemmOperations<Mine, TileGemm>,
              cpu::GluOperations<Mine, TileGemm>,
              cpu::RoutingOperations<Mine>,
              Means<Mine>,
              cpu::OptimizerOperations<Mine> {
  using Context = cpu::Context<Mine>;
};

static_assert(check_backend<Mine, float>());
