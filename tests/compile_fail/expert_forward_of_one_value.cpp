// error: ExpertBank: the expert's static forward_groups(
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

/// forward_groups saves nothing for backward.
struct Plain : SwiGlu<float, Shape> {
  template <class Other>
  using rebind = Plain;
  static Tensor forward_groups(const Context&, ExpertSpan<const Plain>, ConstView, const GroupOffsets&);
};

ExpertBank<Plain> bank;
