#pragma once

#include <span>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/index.hpp"
#include "moe/core/module.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// The experts that work in one pass: one bank, or two, the second numbered after the first.
template <class X>
class ExpertSpan {
 public:
  /// Looks at one bank or two; whoever owns them keeps them alive.
  ExpertSpan(std::span<X> first, std::span<X> second = {}) : first_(first), second_(second) {}
  /// Number of experts.
  std::size_t size() const { return first_.size() + second_.size(); }
  X& operator[](std::size_t e) const { return e < first_.size() ? first_[e] : second_[e - first_.size()]; }

 private:
  std::span<X> first_, second_;
};

/// A module that maps rows to rows of the same width and knows how to run many of itself at once: rows
/// [offsets[e], offsets[e+1]) go through experts[e]. In the forward functions a ListView<Index> of offsets will do;
/// who takes GroupOffsets may begin with the groups that are known.
template <class X>
concept Expert = Module<X> && Backend<typename X::Backend> &&
    requires(ExpertSpan<const X> experts, const typename X::Backend::Context& context,
             View<const typename X::Value, typename X::Backend> x_ND, const GroupOffsets& offsets) {
  typename X::Value;
  typename X::GroupSaved;
  X::forward_groups(context, experts, x_ND, offsets);
  X::infer_groups(context, experts, x_ND, offsets);
};

/// Whether `saved` is what the expert's forward_groups keeps of so many rows, as far as it can tell: an expert may say
/// so by `bool keeps(const GroupSaved&, Index rows) const`.
template <class X, class Saved>
bool expert_keeps(const X& expert, const Saved& saved, Index rows) {
  if constexpr (requires { expert.keeps(saved, rows); })
    return expert.keeps(saved, rows);
  else
    return true;
}

}  // namespace moe
