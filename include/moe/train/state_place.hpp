#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "moe/backend/contract/copy_lanes.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/train/pinned_matrix.hpp"

namespace moe {

/// A piece of the optimizer state of one tensor, in the memory of the backend.
template <class Moment>
struct StatePiece {
  /// Position of its first value in the tensor, and its number of values.
  Index first, size;
  /// First and second moment.
  Moment *m, *v;
  /// Lower halves of the master weights; null if the weights are not split.
  std::uint16_t* lower;
};

/// AdamWState keeps its tensors in the memory of the backend, where a step updates them in place.
struct Resident {
  /// A tensor of the state.
  template <class Value, class Backend>
  using Tensor = Matrix<Value, Backend>;

  /// How steps, reads and writes reach the tensors.
  template <class Backend, class Moment>
  class Access {
    using Context = typename Backend::Context;

   public:
    /// Of no tensors.
    Access() = default;
    /// Needs nothing.
    template <class Tensors>
    Access(const Context&, const Resident&, const Tensors&) {}

    /// Every context may be used.
    void require_context(const Context&) const {}
    /// There is nothing to wait for.
    void wait() const {}
    /// Calls step(piece) once, with the whole tensor, if it trains.
    template <bool has_values, class Tensor, class Step>
    void for_each_piece(Tensor& kept, bool trains, Index& /*pieces*/, const Step& step) {
      if (trains)
        step(StatePiece<Moment>{0, kept.m.size(), kept.m.data(), kept.v.data(),
                                kept.lower.empty() ? nullptr : kept.lower.data()});
    }
    /// Copies `count` values to the host.
    template <class Value>
    void read(const Context& context, const Matrix<Value, Backend>& from, Index first, Index count, void* to) const {
      Backend::download(context, View<const Value, Backend>(from.data() + first, 1, count), static_cast<Value*>(to));
    }
    /// Copies `count` values from the host.
    template <class Value>
    void write(const Context& context, Matrix<Value, Backend>& to, Index first, Index count, const void* from) const {
      Backend::upload(context, static_cast<const Value*>(from), View<Value, Backend>(to.data() + first, 1, count));
    }
  };
};

/// AdamWState keeps its tensors in pinned host memory. A step streams them through the device, which updates them as if
/// they were resident, with the same bits: while a piece is updated, others come and go. The host does not wait.
/// Device memory for three pieces remains: 252 MB with the largest pieces of moments in float.
///
///   AdamWState<Cuda, BFloat16, MasterWeights::split, Offloaded> adamw_state(context, layer, gradient);
struct Offloaded {
  /// Most values that are copied as one: a positive multiple of 64.
  Index piece = Index{1} << 23;
  /// Number of pieces that have device memory.
  static constexpr Index slot_count = 3;

  /// Values of each of these, for tensors of at most `largest` values.
  Index values_of_slot(Index largest) const { return (std::min)(piece, (largest + 63) / 64 * 64); }

  /// A tensor of the state.
  template <class Value, class Backend>
  using Tensor = PinnedMatrix<Value, Backend>;

  /// How steps, reads and writes reach the tensors.
  template <class Backend, class Moment>
  class Access {
    static_assert(contract::check_copy_lanes<Backend>());
    using Context = typename Backend::Context;

   public:
    /// Of no tensors.
    Access() = default;
    /// Of these tensors. Throws Error if the size of pieces is not a positive multiple of 64, std::bad_alloc if there
    /// is not enough device memory for three pieces.
    template <class Tensors>
    Access(const Context& context, const Offloaded& place, const Tensors& tensors) {
      require(place.piece > 0 && place.piece % 64 == 0, "Offloaded",
              "pieces must be of a positive multiple of 64 values, got ", place.piece);
      Index largest = 0;
      bool has_lower = false;
      for (const auto& kept : tensors) {
        largest = (std::max)(largest, kept.m.size());
        has_lower = has_lower || !kept.lower.empty();
      }
      if (largest == 0) return;
      piece_ = place.values_of_slot(largest);
      for (auto& slot : slots_) slot = std::make_unique<Slot>(context, piece_, has_lower ? piece_ : 0);
    }

    /// Throws Error unless the work of the context is ordered with the copies.
    void require_context(const Context& context) const {
      require(!slots_[0] || slots_[0]->lane.is_beside(context), "AdamWState",
              "an optimizer state in pinned host memory must be used on the stream that it was made on");
    }
    /// The host waits until the values are those after the last step.
    void wait() const {
      for (const auto& slot : slots_)
        if (slot) slot->lane.wait();
    }
    /// Calls step(piece) for every piece of a tensor that trains. Before, if the tensors have values, those of the
    /// piece are copied to the device; after it, they are copied back. `pieces` counts the pieces of all tensors: a
    /// piece has the same slot in every step, whatever else trains, and so its copies are all of one lane, in order.
    template <bool has_values, class Tensor, class Step>
    void for_each_piece(Tensor& kept, bool trains, Index& pieces, const Step& step) {
      for (Index first = 0; first < kept.m.size(); first += piece_) {
        Slot& slot = *slots_[static_cast<std::size_t>(pieces++) % slots_.size()];
        if (!trains) continue;
        const Index size = (std::min)(piece_, kept.m.size() - first);
        const bool has_lower = !kept.lower.empty();
        const auto for_each_part = [&](const auto& copy) {
          copy(slot.m, kept.m);
          copy(slot.v, kept.v);
          if (has_lower) copy(slot.lower, kept.lower);
        };
        if constexpr (has_values)
          for_each_part([&](auto& there, auto& here) {
            slot.lane.copy_in(there.data(), here.data() + first, bytes_of(here, size));
          });
        slot.lane.before_work();
        step(StatePiece<Moment>{first, size, slot.m.data(), slot.v.data(), has_lower ? slot.lower.data() : nullptr});
        slot.lane.after_work();
        for_each_part([&](auto& there, auto& here) {
          slot.lane.copy_out(here.data() + first, there.data(), bytes_of(here, size));
        });
      }
    }
    /// Copies `count` values, after wait().
    template <class Value>
    void read(const Context&, const PinnedMatrix<Value, Backend>& from, Index first, Index count, void* to) const {
      wait();
      if (count > 0) std::memcpy(to, from.data() + first, bytes_of(from, count));
    }
    /// The same in the other direction.
    template <class Value>
    void write(const Context&, PinnedMatrix<Value, Backend>& to, Index first, Index count, const void* from) const {
      wait();
      if (count > 0) std::memcpy(static_cast<void*>(to.data() + first), from, bytes_of(to, count));
    }

   private:
    /// Device memory for a piece, zero at first, and the lane of its copies.
    struct Slot {
      Slot(const Context& context, Index size, Index lower_size)
          : m(1, size), v(1, size), lower(1, lower_size), lane(Backend::copy_lane(context)) {}
      Matrix<Moment, Backend> m, v;
      Matrix<std::uint16_t, Backend> lower;
      // The last member, so that its copies end before their memory is freed.
      typename Backend::CopyLane lane;
    };
    template <class Tensor>
    static std::size_t bytes_of(const Tensor&, Index count) {
      return static_cast<std::size_t>(count) * sizeof(typename Tensor::Value);
    }

    Index piece_ = 0;
    std::array<std::unique_ptr<Slot>, slot_count> slots_;
  };
};

}  // namespace moe
