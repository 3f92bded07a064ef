#pragma once

#include <cstddef>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "moe/backend/cpu/packing.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

/// Copies of weights in the order in which TileGemm's registers take them, for products y = x w^T. They are as large as
/// the weights, and of use as long as these do not change.
class PackedWeights {
 public:
  /// Packs w. Throws std::bad_alloc when memory is out.
  template <class Real, class Backend, class Context>
  void add(const Context& context, View<const Real, Backend> w) {
    constexpr Index panel = panel_cols<Real>;
    if (w.empty()) return;
    const Index panels = (w.rows + panel - 1) / panel;
    Packed packed{w.rows, w.cols, sizeof(Real), Buffer<std::byte>(bytes<Real>(panels * panel * w.cols))};
    Real* to = reinterpret_cast<Real*>(packed.values.data());
    parallel(context, panels, [&](Index p) {
      pack_panels_of_rows(w, 0, w.cols, p * panel, std::min((p + 1) * panel, w.rows), to + p * panel * w.cols);
    });
    packed_.insert_or_assign(w.data, std::move(packed));
  }

  /// w's panels one after the other, w.cols x panel_cols values each; null where w was not packed. Throws Error where w
  /// has changed since, as far as a few of its values tell.
  template <class Real, class Backend>
  const Real* find(View<const Real, Backend> w) const {
    const auto found = packed_.find(w.data);
    if (found == packed_.end()) return nullptr;
    const Packed& packed = found->second;
    if (packed.rows != w.rows || packed.cols != w.cols || packed.value_bytes != sizeof(Real)) return nullptr;
    constexpr Index panel = panel_cols<Real>, samples = 8;
    const Real* values = reinterpret_cast<const Real*>(packed.values.data());
    for (Index i = 0; i < samples; ++i) {
      const Index row = i * (w.rows - 1) / (samples - 1), col = i * (w.cols - 1) / (samples - 1);
      require(std::memcmp(&w(row, col), values + (row / panel * w.cols + col) * panel + row % panel, sizeof(Real)) == 0,
              "pack_weights", "a weight of ", w.rows, " x ", w.cols,
              " has changed since it was packed; pack the layer again");
    }
    return values;
  }

  /// Number of weights.
  Index count() const { return static_cast<Index>(packed_.size()); }

 private:
  struct Packed {
    Index rows, cols;
    std::size_t value_bytes;
    Buffer<std::byte> values;
  };
  template <class Real>
  static Index bytes(Index count) {
    return count * static_cast<Index>(sizeof(Real));
  }

  std::unordered_map<const void*, Packed> packed_;
};

}  // namespace moe::cpu
