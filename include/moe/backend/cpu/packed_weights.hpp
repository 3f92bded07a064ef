#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
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
#include "moe/core/int8_groups.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

/// The weights of products y = x w^T in other memory than the layer's: copies in the layout that TileGemm's register
/// tiles read, which are as large as the weights, half as large in BFloat16, or 0.27 times as large in Int8Groups, and
/// valid as long as neither the weights nor the instruction set change; and rows in BFloat16 in memory of the caller,
/// such as a mapped file.
class PackedWeights {
 public:
  /// Packs w with values of type Stored: w's own type; for float also BFloat16 or Int8Groups. Throws std::bad_alloc if
  /// out of memory, Error if Stored is Int8Groups and a value is not finite.
  template <class Stored, class Real, class Backend, class Context>
  void add(const Context& context, View<const Real, Backend> w) {
    static_assert(can_keep<Stored, Real>,
                  "weights of float or double are packed in their own type, or floats as moe::BFloat16 or "
                  "moe::Int8Groups; layers of moe::BFloat16 read their weights as they are");
    if (w.empty()) return;
    require(
        !context.packed || !context.packed->has_rows(), "pack_weights",
        "the context must have no weights that stay in a file, found some; load the layer, or pack another one with "
        "a context of its own");
    const ProductKernels<Real>& kernels = product_kernels<Real>();
    const Index panel = kernels.panel_cols, panels = (w.rows + panel - 1) / panel, values = panel * w.cols;
    const Index panel_bytes = bytes_of<Stored>(panel, w.cols);
    Packed packed{kernels.set,           w.rows,     w.cols,
                  sizeof_stored<Stored>, sampled(w), Buffer<std::byte>(panels * panel_bytes)};
    constexpr bool whole = std::is_same_v<Stored, Real>;
    Scratch<Real> scratch(context, whole ? 0 : values);
    std::atomic<bool> is_finite{true};
    parallel(context, panels, [&](Index p, Index worker) {
      std::byte* const bytes = packed.values.data() + p * panel_bytes;
      const auto pack = [&](Real* panel_to) {
        kernels.pack_panels_of_rows(w.row(p * panel).data, w.stride, w.cols, (std::min)(panel, w.rows - p * panel),
                                    panel_to);
      };
      if constexpr (whole) {
        pack(reinterpret_cast<Stored*>(bytes));
      } else {
        Real* const own = scratch.of(worker);
        pack(own);
        if constexpr (std::is_same_v<Stored, Int8Groups>) {
          if (!kernels.pack_int8_panel(own, w.cols, reinterpret_cast<std::int8_t*>(bytes))) is_finite = false;
        } else {
          std::transform(own, own + values, reinterpret_cast<Stored*>(bytes), [](Real value) { return Stored(value); });
        }
      }
    });
    require(is_finite, "pack_weights", "a weight of ", w.rows, " x ", w.cols,
            " must be finite to be packed in 8 bits, found a value that is infinite or NaN; pack it in another type");
    packed_.insert_or_assign(w.data, std::move(packed));
  }

  /// Products read w from `rows`, w.rows x w.cols contiguous values that must live as long as this object. w is only a
  /// name: its address, which `owner` keeps from other uses, identifies the weight, and its values are never read.
  /// Products are bitwise identical to those of a float weight with these values. For products y = x w^T alone: nothing
  /// else may read w, and its gradients do not exist.
  template <class Backend>
  void add_rows(View<const float, Backend> w, const BFloat16* rows, std::shared_ptr<const void> owner) {
    if (!w.empty()) packed_.insert_or_assign(w.data, Packed{{}, w.rows, w.cols, 0, {}, {}, rows, std::move(owner)});
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
      require_unchanged(packed, w);
      const std::byte* const panels = packed.values.data();
      if (packed.value_bytes == sizeof(Real)) return {.whole = reinterpret_cast<const Real*>(panels)};
      if constexpr (can_be_narrow<Real>) {
        if (packed.value_bytes == sizeof(BFloat16)) return {.narrow = reinterpret_cast<const BFloat16*>(panels)};
        return {.int8 = reinterpret_cast<const std::int8_t*>(panels)};
      }
      return {};
    }
  }

  /// Number of weight matrices.
  Index count() const { return static_cast<Index>(packed_.size()); }

 private:
  /// Values of a weight that show whether it has changed.
  using Samples = std::array<double, 8>;
  struct Packed {
    InstructionSet set;
    Index rows, cols;
    std::size_t value_bytes;
    Samples samples;
    Buffer<std::byte> values;
    const BFloat16* rows_in_bfloat16 = nullptr;
    std::shared_ptr<const void> owner_of_address = nullptr;
  };
  template <class Stored, class Real>
  static constexpr bool can_keep = (std::is_same_v<Stored, Real> && !std::is_same_v<Real, BFloat16>) ||
                                   ((std::is_same_v<Stored, BFloat16> ||
                                     std::is_same_v<Stored, Int8Groups>)&&can_be_narrow<Real>);
  template <class Stored>
  static constexpr std::size_t sizeof_stored = std::is_same_v<Stored, Int8Groups> ? 1 : sizeof(Stored);
  /// Bytes of a panel of `rows` rows of a weight.
  template <class Stored>
  static Index bytes_of(Index rows, Index cols) {
    if constexpr (std::is_same_v<Stored, Int8Groups>)
      return Int8Groups::bytes(rows * Int8Groups::count(cols));
    else
      return rows * cols * static_cast<Index>(sizeof(Stored));
  }

  template <class Real, class Backend>
  static Samples sampled(View<const Real, Backend> w) {
    Samples samples;
    const Index last = static_cast<Index>(samples.size()) - 1;
    for (Index i = 0; i <= last; ++i)
      samples[static_cast<std::size_t>(i)] = w(i * (w.rows - 1) / last, i * (w.cols - 1) / last);
    return samples;
  }
  /// Throws Error if one of the samples of w has changed since it was packed, or the instruction set.
  template <class Real, class Backend>
  static void require_unchanged(const Packed& packed, View<const Real, Backend> w) {
    const InstructionSet set = product_kernels<Real>().set;
    require(packed.set == set, "pack_weights", "a weight of ", w.rows, " x ", w.cols,
            " was packed for the instruction set ", name_of(packed.set), ", which is now ", name_of(set),
            "; pack the layer again");
    const Samples now = sampled(w);
    require(std::memcmp(&now, &packed.samples, sizeof now) == 0, "pack_weights", "a weight of ", w.rows, " x ", w.cols,
            " has changed since it was packed; pack the layer again");
  }

  std::unordered_map<const void*, Packed> packed_;
};

}  // namespace moe::cpu
