#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

/// The weights of products y = x w^T in other memory than the layer's: copies in the layout that TileGemm's register
/// tiles read, which are as large as the weights, or half as large in BFloat16, and valid as long as neither the
/// weights nor the instruction set change; and rows in BFloat16 in memory of the caller, such as a mapped file.
class PackedWeights {
 public:
  /// Packs w with values of type Stored: w's own type, or BFloat16 for float. Throws std::bad_alloc if out of memory.
  template <class Stored, class Real, class Backend, class Context>
  void add(const Context& context, View<const Real, Backend> w) {
    static_assert(can_keep<Stored, Real>,
                  "weights of float or double are packed in their own type, or floats as moe::BFloat16; layers of "
                  "moe::BFloat16 read their weights as they are");
    if (w.empty()) return;
    require(
        !context.packed || !context.packed->has_rows(), "pack_weights",
        "the context must have no weights that stay in a file, found some; load the layer, or pack another one with "
        "a context of its own");
    const ProductKernels<Real>& kernels = product_kernels<Real>();
    const Index panel = kernels.panel_cols, panels = (w.rows + panel - 1) / panel, values = panel * w.cols;
    Packed packed{kernels.set, w.rows, w.cols, sizeof(Stored),
                  Buffer<std::byte>(panels * values * static_cast<Index>(sizeof(Stored)))};
    Stored* all = reinterpret_cast<Stored*>(packed.values.data());
    constexpr bool whole = std::is_same_v<Stored, Real>;
    Scratch<Real> scratch(context, whole ? 0 : values);
    parallel(context, panels, [&](Index p, Index worker) {
      Stored* const to = all + p * values;
      const auto pack = [&](Real* panel_to) {
        kernels.pack_panels_of_rows(w.row(p * panel).data, w.stride, w.cols, (std::min)(panel, w.rows - p * panel),
                                    panel_to);
      };
      if constexpr (whole) {
        pack(to);
      } else {
        pack(scratch.of(worker));
        std::transform(scratch.of(worker), scratch.of(worker) + values, to, [](Real value) { return Stored(value); });
      }
    });
    packed_.insert_or_assign(w.data, std::move(packed));
  }

  /// Products read w from `rows`, w.rows x w.cols contiguous values that must live as long as this object. w is only a
  /// name: its address, which `owner` keeps from other uses, identifies the weight, and its values are never read.
  /// Products are bitwise identical to those of a float weight with these values. For products y = x w^T alone: nothing
  /// else may read w, and its gradients do not exist.
  template <class Backend>
  void add_rows(View<const float, Backend> w, const BFloat16* rows, std::shared_ptr<const void> owner) {
    if (!w.empty()) packed_.insert_or_assign(w.data, Packed{{}, w.rows, w.cols, 0, {}, rows, std::move(owner)});
  }

  /// The rows of w if add_rows() was called for it; otherwise null. Throws Error if w is only a part of that weight.
  template <class Real, class Backend>
  const BFloat16* rows_of(View<const Real, Backend> w) const {
    const auto found = packed_.find(w.data);
    if (found == packed_.end() || found->second.rows_in_bfloat16 == nullptr) return nullptr;
    const Packed& packed = found->second;
    require(packed.rows == w.rows && packed.cols == w.cols && w.stride == w.cols, "Cpu", "a weight of ", packed.rows,
            " x ", packed.cols, " that stays in its file must be multiplied as a whole, got a part of ", w.rows, " x ",
            w.cols);
    return packed.rows_in_bfloat16;
  }
  /// Whether add_rows() was called for any weight.
  bool has_rows() const {
    return std::any_of(packed_.begin(), packed_.end(),
                       [](const auto& entry) { return entry.second.rows_in_bfloat16 != nullptr; });
  }

  /// The panels of w, contiguous, w.cols x panel_cols values each, or the rows of add_rows(); empty if there are none.
  /// Throws Error if one of a few sampled values of w has changed since packing, or the instruction set.
  template <class Real, class Backend>
  Panels<Real> find(View<const Real, Backend> w) const {
    if constexpr (std::is_same_v<Real, BFloat16>) {
      return {};
    } else {
      if constexpr (std::is_same_v<Real, float>)
        if (const BFloat16* const rows = rows_of(w)) return {.rows = rows};
      const auto found = packed_.find(w.data);
      if (found == packed_.end()) return {};
      const Packed& packed = found->second;
      if (packed.rows != w.rows || packed.cols != w.cols) return {};
      if (packed.value_bytes == sizeof(Real)) return {.whole = checked<Real>(packed, w)};
      if constexpr (can_be_narrow<Real>)
        if (packed.value_bytes == sizeof(BFloat16)) return {.narrow = checked<BFloat16>(packed, w)};
      return {};
    }
  }

  /// Number of weight matrices.
  Index count() const { return static_cast<Index>(packed_.size()); }

 private:
  struct Packed {
    InstructionSet set;
    Index rows, cols;
    std::size_t value_bytes;
    Buffer<std::byte> values;
    const BFloat16* rows_in_bfloat16 = nullptr;
    std::shared_ptr<const void> owner_of_address = nullptr;
  };
  template <class Stored, class Real>
  static constexpr bool can_keep = (std::is_same_v<Stored, Real> && !std::is_same_v<Real, BFloat16>) ||
                                   (std::is_same_v<Stored, BFloat16> && can_be_narrow<Real>);

  /// The packed copy. Throws Error if one of a few sampled values of w differs from it.
  template <class Stored, class Real, class Backend>
  static const Stored* checked(const Packed& packed, View<const Real, Backend> w) {
    const ProductKernels<Real>& kernels = product_kernels<Real>();
    require(packed.set == kernels.set, "pack_weights", "a weight of ", w.rows, " x ", w.cols,
            " was packed for the instruction set ", name_of(packed.set), ", which is now ", name_of(kernels.set),
            "; pack the layer again");
    constexpr Index samples = 8;
    const Index panel = kernels.panel_cols;
    const Stored* values = reinterpret_cast<const Stored*>(packed.values.data());
    for (Index i = 0; i < samples; ++i) {
      const Index row = i * (w.rows - 1) / (samples - 1), col = i * (w.cols - 1) / (samples - 1);
      const auto now = static_cast<Stored>(w(row, col));
      require(std::memcmp(&now, values + (row / panel * w.cols + col) * panel + row % panel, sizeof now) == 0,
              "pack_weights", "a weight of ", w.rows, " x ", w.cols,
              " has changed since it was packed; pack the layer again");
    }
    return values;
  }

  std::unordered_map<const void*, Packed> packed_;
};

}  // namespace moe::cpu
