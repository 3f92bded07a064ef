// error: ExpertBank: the expert's static backward_groups(
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

/// Has inference, but no backward pass.
struct Forgetful : SwiGlu<float, Shape> {
  template <class Other>
  using rebind = Forgetful;
  static std::pair<Tensor, GroupSaved> forward_groups(const Context&, ExpertSpan<const Forgetful>, ConstView,
                                                      const GroupOffsets&);
  static Tensor infer_groups(const Context&, ExpertSpan<const Forgetful>, ConstView, const GroupOffsets&);
  static void backward_groups();
};

ExpertBank<Forgetful> bank;
