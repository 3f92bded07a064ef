// error: ExpertBank: the expert's Index width() const is missing
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

/// Does not define width().
struct Unmeasured : AsLayer<Unmeasured, float, Shape> {
  struct GroupSaved {};
  template <class Other>
  using rebind = Unmeasured;
  static std::pair<Tensor, GroupSaved> forward_groups(const Context&, ExpertSpan<const Unmeasured>, ConstView,
                                                      const GroupOffsets&);
  static Tensor backward_groups(const Context&, ExpertSpan<const Unmeasured>, ConstView, ConstGates, ListView<Index>,
                                ConstView, GroupSaved, Gates, ExpertSpan<Unmeasured>);
  bool keeps(const GroupSaved&, Index) const;
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

ExpertBank<Unmeasured> bank;
