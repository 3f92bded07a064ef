// Longer than other headers: the parts of one training step on several ranks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/comm/ranks.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/observed.hpp"
#include "moe/core/require.hpp"
#include "moe/ops/add.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/walk.hpp"

namespace moe {

// Training on several ranks. Each rank computes the gradient of its own micro-batches, with the share of each
// micro-batch in the loss already in it: gradients are summed, never averaged. Then, on every rank:
//
//   reduce_to_owners(context, owners, gradient)               the sum over ranks, at each tensor's owner
//   global_norm(context, owners, gradient)                    the same number on every rank
//   with_owned(context, owners, gradient, [&] { step })       AdamW for the tensors that this rank owns
//   share_weights(context, owners, weights)                   every rank has all weights again
//   update_buffers(context, layer, stats)                     from the micro-batches of all ranks, in their order
//
// A context without ranks, or with one, is served by the same calls, which then copy nothing.

/// Which rank updates each tensor, in walk order, and keeps its optimizer state.
struct Ownership {
  /// The owner of a tensor that does not train.
  static constexpr int none = -1;

  /// The owner of each tensor.
  std::vector<int> of_tensor{};
  /// Whether every rank has the tensor: its gradient is summed over ranks, and its weight is shared. False for the
  /// tensors of an expert that lives on one rank, and for those that do not train.
  std::vector<bool> is_on_all_ranks{};

  /// Every tensor, in order, goes to the rank that has the fewest bytes so far; the lowest of those with equally many.
  /// `already` are bytes that ranks have before, or empty. Tensors of 0 bytes do not train.
  static Ownership of(ListView<Index> bytes, int ranks, std::vector<Index> already = {}) {
    Ownership result;
    already.resize(static_cast<std::size_t>(ranks));
    for (const Index size : bytes) {
      const auto least = std::min_element(already.begin(), already.end());
      result.of_tensor.push_back(size == 0 ? none : static_cast<int>(least - already.begin()));
      result.is_on_all_ranks.push_back(size != 0);
      *least += size;
    }
    return result;
  }
  /// For a gradient tree, in which tensors are empty on ranks that do not have the weight or do not train it: what one
  /// rank has alone is that rank's. All ranks call it together and get the same result. Throws Error if a tensor trains
  /// on some of several ranks, or if its sizes differ.
  template <Module Tree>
  static Ownership of(const typename Tree::Context& context, const Tree& gradient);
};

namespace detail {

template <class Context>
int rank_of(const Context& context) {
  return context.ranks == nullptr ? 0 : context.ranks->rank();
}
template <class Context>
int count_of_ranks(const Context& context) {
  return context.ranks == nullptr ? 1 : context.ranks->size();
}

/// The tensors of each owner one after the other, the widest values first, so that every value is aligned.
struct Streams {
  /// Position of each tensor in its owner's stream in bytes; -1 for tensors that do not travel.
  std::vector<Index> begin;
  /// Length of each owner's stream in bytes.
  std::vector<Index> bytes;
  /// Bytes of the widest value that travels.
  Index widest = 1;

  template <class Tree>
  Streams(const Ownership& owners, const Tree& tree, int ranks) : bytes(static_cast<std::size_t>(ranks)) {
    std::size_t count = 0;
    for_each_tensor([&](const auto&) { ++count; }, tree);
    require(count == owners.of_tensor.size(), "Ownership", "the tree has ", count, " tensors, owners are known for ",
            owners.of_tensor.size());
    begin.assign(count, -1);
    for (const std::size_t width : {std::size_t{8}, std::size_t{4}, std::size_t{2}}) {
      std::size_t number = 0;
      for_each_tensor(
          [&](const auto& tensor) {
            using Value = typename std::remove_cvref_t<decltype(tensor)>::Value;
            const std::size_t t = number++;
            if (sizeof(Value) != width || !owners.is_on_all_ranks[t]) return;
            widest = (std::max)(widest, static_cast<Index>(width));
            Index& end = bytes[static_cast<std::size_t>(owners.of_tensor[t])];
            begin[t] = end;
            end += tensor.size() * static_cast<Index>(sizeof(Value));
          },
          tree);
    }
  }
  Index longest() const { return *std::max_element(bytes.begin(), bytes.end()); }
  /// Bytes of each owner's stream from `first` on, at most `most`.
  std::vector<Index> pieces(Index first, Index most) const {
    std::vector<Index> result;
    for (const Index all : bytes) result.push_back(std::clamp(all - first, Index{0}, most));
    return result;
  }
  /// The same, rounded up so that the pieces of several owners, one after the other, are aligned.
  std::vector<Index> aligned_pieces(Index first, Index most) const {
    std::vector<Index> result = pieces(first, most);
    for (Index& size : result) size = (size + widest - 1) / widest * widest;
    return result;
  }
  /// Calls visit(values, count, position) for the values of `owner` within the bytes [first, first + size) of its
  /// stream; the position is that of the values' bytes, from `first` on.
  template <class Tree, class Visit>
  void for_each_part(Tree& tree, const Ownership& owners, int owner, Index first, Index size,
                     const Visit& visit) const {
    std::size_t number = 0;
    for_each_tensor(
        [&](auto& tensor) {
          const auto value_bytes = static_cast<Index>(sizeof(typename std::remove_cvref_t<decltype(tensor)>::Value));
          const std::size_t t = number++;
          if (begin[t] < 0 || owners.of_tensor[t] != owner) return;
          const Index low = (std::max)(begin[t], first);
          const Index high = (std::min)(begin[t] + tensor.size() * value_bytes, first + size);
          if (low < high)
            visit(tensor.data() + (low - begin[t]) / value_bytes, (high - low) / value_bytes, low - first);
        },
        tree);
  }
};

template <class B, class Value>
void copy_values(const typename B::Context& context, const Value* from, Index count, Value* to) {
  B::for_each_element(context, count, [=] MOE_ON_DEVICE(Index i) { to[i] = from[i]; });
}
template <class B, class Value>
void add_values(const typename B::Context& context, const Value* from, Index count, Value* to) {
  B::for_each_element(context, count, [=] MOE_ON_DEVICE(Index i) { to[i] += from[i]; });
}

/// sum of n blocks of `count` values each, into the first: ((0 + 1) + (2 + 3)) + ... An order that SlotCounter
/// continues within a rank.
template <class B, class Value>
void sum_blocks(const typename B::Context& context, Value* blocks, Index count, Index n) {
  for (Index step = 1; step < n; step *= 2)
    for (Index i = 0; i + step < n; i += 2 * step)
      add_values<B>(context, blocks + (i + step) * count, count, blocks + i * count);
}

}  // namespace detail

template <Module Tree>
Ownership Ownership::of(const typename Tree::Context& context, const Tree& gradient) {
  constexpr std::string_view where = "Ownership";
  std::vector<Index> mine;
  for_each_tensor(
      [&](const auto& tensor) {
        mine.push_back(tensor.size() *
                       static_cast<Index>(sizeof(typename std::remove_cvref_t<decltype(tensor)>::Value)));
      },
      gradient);
  const int ranks = detail::count_of_ranks(context);
  if (ranks == 1) return of(mine, 1);
  const std::size_t tensors = mine.size();
  std::vector<Index> to, all(tensors * static_cast<std::size_t>(ranks));
  for (int p = 0; p < ranks; ++p) to.insert(to.end(), mine.begin(), mine.end());
  context.ranks->announce({"owners of weights"}, to, static_cast<Index>(tensors), all.data());

  std::vector<int> holder(tensors, none);
  std::vector<Index> on_all(tensors), already(static_cast<std::size_t>(ranks));
  std::size_t number = 0;
  for_each_parameter(
      [&](const std::string& name, const auto&) {
        const std::size_t t = number++;
        int holders = 0;
        Index largest = 0;
        for (int p = 0; p < ranks; ++p) {
          const Index bytes = all[static_cast<std::size_t>(p) * tensors + t];
          if (bytes == 0) continue;
          require(largest == 0 || bytes == largest, where, name, " has ", largest, " bytes on one rank and ", bytes,
                  " on another: every rank must have a model of the same sizes");
          largest = bytes;
          holder[t] = p;
          ++holders;
        }
        require(holders <= 1 || holders == ranks, where, name, " trains on ", holders, " of ", ranks,
                " ranks: it must train on all of them, on none, or on the one rank that has it");
        if (holders == 1) already[static_cast<std::size_t>(holder[t])] += largest;
        if (holders == ranks) on_all[t] = largest;
      },
      gradient);
  Ownership result = of(on_all, ranks, already);
  for (std::size_t t = 0; t < tensors; ++t)
    if (!result.is_on_all_ranks[t]) result.of_tensor[t] = holder[t];
  return result;
}

/// Most bytes that are sent to one rank at a time, a multiple of 8.
inline constexpr Index default_bucket = Index{64} << 20;

/// Sums a gradient tree over ranks: each tensor's owner gets the sum, added as ((0 + 1) + (2 + 3)) + ... over ranks;
/// the other ranks keep their own values, which are of no further use. What only one rank has stays as it is. Values
/// must be of accumulation precision. Per rank it sends and receives the bytes of the tensors of other owners, once.
template <Module Tree>
void reduce_to_owners(const typename Tree::Context& context, const Ownership& owners, Tree& gradient,
                      Index bucket = default_bucket) {
  using B = typename Tree::Backend;
  using Value = typename Tree::Value;
  static_assert(std::is_same_v<Value, Accum<Value>>,
                "reduce_to_owners: gradients must be summed in accumulation precision, see accum_gradient_for");
  if (!has_ranks(context)) return;
  const int ranks = context.ranks->size(), rank = context.ranks->rank();
  const detail::Streams streams(owners, gradient, ranks);
  context.ranks->announce({"sum of gradients"});
  const auto value_bytes = static_cast<Index>(sizeof(Value));
  for (Index first = 0; first < streams.longest(); first += bucket) {
    const std::vector<Index> to = streams.pieces(first, bucket);
    const Index own = to[static_cast<std::size_t>(rank)], own_count = own / value_bytes;
    const std::vector<Index> from(to.size(), own);
    Index all = 0;
    for (const Index bytes : to) all += bytes / value_bytes;
    auto sent = Matrix<Value, B>::uninitialized(context, 1, all);
    auto blocks = Matrix<Value, B>::uninitialized(context, ranks, own_count);
    Value* target = sent.data();
    for (int p = 0; p < ranks; ++p) {
      const Index bytes = to[static_cast<std::size_t>(p)];
      streams.for_each_part(gradient, owners, p, first, bytes, [&](auto* values, Index count, Index position) {
        detail::copy_values<B, Value>(context, values, count, target + position / value_bytes);
      });
      target += bytes / value_bytes;
    }
    context.ranks->all_to_all_v(context, sent.data(), to, blocks.data(), from);
    detail::sum_blocks<B>(context, blocks.data(), own_count, ranks);
    streams.for_each_part(gradient, owners, rank, first, own, [&](auto* values, Index count, Index position) {
      detail::copy_values<B, Value>(context, blocks.data() + position / value_bytes, count, values);
    });
  }
}

/// The owners' tensors -> every rank's, as they are stored. Per rank it sends its own tensors to all others, once.
template <Module Tree>
void share_weights(const typename Tree::Context& context, const Ownership& owners, Tree& weights,
                   Index bucket = default_bucket) {
  using B = typename Tree::Backend;
  if (!has_ranks(context)) return;
  const int ranks = context.ranks->size(), rank = context.ranks->rank();
  const detail::Streams streams(owners, weights, ranks);
  context.ranks->announce({"share of weights"});
  for (Index first = 0; first < streams.longest(); first += bucket) {
    const std::vector<Index> bytes = streams.aligned_pieces(first, bucket);
    const Index own = bytes[static_cast<std::size_t>(rank)];
    Index all = 0;
    for (const Index size : bytes) all += size;
    // In units of 8 bytes, so that values of every type are aligned; the last one may have bytes of no value.
    auto sent = Matrix<double, B>::uninitialized(context, 1, (own + 7) / 8);
    auto received = Matrix<double, B>::uninitialized(context, 1, (all + 7) / 8);
    if (own > 0) set_to_zero(context, sent.view().cols_between(sent.cols() - 1, sent.cols()));
    const auto at = [](auto& buffer, Index position) { return reinterpret_cast<std::byte*>(buffer.data()) + position; };
    streams.for_each_part(weights, owners, rank, first, own, [&](auto* values, Index count, Index position) {
      using Value = std::remove_pointer_t<decltype(values)>;
      detail::copy_values<B, Value>(context, values, count, reinterpret_cast<Value*>(at(sent, position)));
    });
    context.ranks->all_gather_v(context, sent.data(), bytes, received.data());
    Index before = 0;
    for (int p = 0; p < ranks; ++p) {
      const Index size = bytes[static_cast<std::size_t>(p)];
      if (p != rank)
        streams.for_each_part(weights, owners, p, first, size, [&](auto* values, Index count, Index position) {
          using Value = std::remove_pointer_t<decltype(values)>;
          detail::copy_values<B, Value>(context, reinterpret_cast<const Value*>(at(received, before + position)), count,
                                        values);
        });
      before += size;
    }
  }
}

/// The sum over ranks of every tensor that all ranks have, on every rank: for the gradients of gates and shared experts
/// of a layer whose experts are spread. What one rank has alone, such as the gradient of an expert, is already a sum
/// over the rows of all ranks and stays. Every rank calls it once, after the backward passes of a step.
template <Module Tree>
void sum_replicated(const typename Tree::Context& context, Tree& gradient) {
  if (!has_ranks(context)) return;
  const Ownership owners = Ownership::of(context, gradient);
  reduce_to_owners(context, owners, gradient);
  share_weights(context, owners, gradient);
}

/// global_norm() of the sum over ranks, after reduce_to_owners(): the same number on every rank, and bitwise that of
/// one rank with the same gradient. All ranks call it together.
template <Module Tree>
double global_norm(const typename Tree::Context& context, const Ownership& owners, const Tree& gradient) {
  using B = typename Tree::Backend;
  if (!has_ranks(context)) return global_norm(context, gradient);
  const int rank = context.ranks->rank();
  const auto owned = std::count(owners.of_tensor.begin(), owners.of_tensor.end(), rank);
  auto sums = Matrix<double, B>::uninitialized(context, 1, static_cast<Index>(owned));
  std::size_t number = 0;
  Index next = 0;
  for_each_tensor(
      [&](const auto& tensor) {
        if (owners.of_tensor[number++] != rank) return;
        B::sum_of_squares(context, tensor.view(), sums.view().cols_between(next, next + 1));
        ++next;
      },
      gradient);
  std::vector<double> mine(static_cast<std::size_t>(owned));
  B::download(context, sums.const_view(), mine.data());
  const auto all = context.ranks->gather({"norm of the gradient"}, std::as_bytes(std::span<const double>(mine)));
  std::vector<std::size_t> read(all.size());
  double squares = 0;
  for (const int owner : owners.of_tensor) {
    if (owner == Ownership::none) continue;
    const auto p = static_cast<std::size_t>(owner);
    double square = 0;
    require(all[p].size() >= (read[p] + 1) * sizeof(double), "global_norm", "rank ", owner,
            " has fewer tensors than the owners say: every rank must use the same owners");
    std::memcpy(&square, all[p].data() + read[p]++ * sizeof(double), sizeof(double));
    squares += square;
  }
  return std::sqrt(squares);
}

namespace detail {

/// Exchanges the tensors of two trees for which takes(number) holds. Moves no values.
template <class Tree, class Takes>
void swap_tensors(Tree& a, Tree& b, const Takes& takes) {
  std::size_t number = 0;
  for_each_tensor(
      [&](auto& of_a, auto& of_b) {
        if (takes(number++)) std::swap(of_a, of_b);
      },
      a, b);
}

}  // namespace detail

/// Calls work() while the tensors of other owners are missing from the gradient tree, as if their weights did not
/// train: for AdamWState, which then holds the state of owned tensors alone, and for AdamW::step. Afterwards the tree
/// is as it was, with the same memory.
template <Module Tree, class Work>
void with_owned(const typename Tree::Context& context, const Ownership& owners, Tree& gradient, const Work& work) {
  if (!has_ranks(context)) return work();
  Tree others = gradient.empty_tree();
  const int rank = context.ranks->rank();
  const auto swap = [&] {
    detail::swap_tensors(gradient, others, [&](std::size_t t) { return owners.of_tensor[t] != rank; });
  };
  swap();
  try {
    work();
  } catch (...) {
    swap();
    throw;
  }
  swap();
}

/// Calls layer.update_buffers() for every micro-batch of a step: those of rank 0, in their order, then those of rank 1,
/// and so on. Buffers are then equal on all ranks, and equal to those of one rank that takes the micro-batches in this
/// order. `stats` are of this rank's micro-batches. All ranks call it together, after the optimizer's step.
template <class Layer, class Stats>
void update_buffers(const typename Layer::Context& context, Layer& layer, const std::vector<Stats>& stats) {
  if (!has_ranks(context)) {
    for (const Stats& of_micro_batch : stats) layer.update_buffers(context, of_micro_batch);
    return;
  }
  std::vector<std::byte> mine;
  for (const Stats& of_micro_batch : stats) {
    std::vector<std::byte> bytes;
    if constexpr (requires { layer.observed_bytes_of(context, of_micro_batch); })
      bytes = layer.observed_bytes_of(context, of_micro_batch);
    else
      bytes = observed_bytes(context, of_micro_batch);
    const auto size = static_cast<Index>(bytes.size());
    const auto size_bytes = std::as_bytes(std::span(&size, 1));
    mine.insert(mine.end(), size_bytes.begin(), size_bytes.end());
    mine.insert(mine.end(), bytes.begin(), bytes.end());
  }
  for (const std::vector<std::byte>& of_rank : context.ranks->gather({"update of buffers"}, mine)) {
    std::span<const std::byte> rest(of_rank);
    while (!rest.empty()) {
      Index size = 0;
      std::memcpy(&size, rest.data(), sizeof(size));
      const auto bytes = rest.subspan(sizeof(size), static_cast<std::size_t>(size));
      rest = rest.subspan(sizeof(size) + bytes.size());
      if constexpr (requires { layer.stats_from(context, bytes); })
        layer.update_buffers(context, layer.stats_from(context, bytes));
      else
        layer.update_buffers(context, observed_from<Stats>(context, bytes));
    }
  }
}

/// Adds the gradients of a rank's slots, equal and consecutive parts of a step's micro-batches, in an order that does
/// not depend on the number of ranks: two sums of equally many slots are joined as soon as both are there, the earlier
/// one first. With the order of reduce_to_owners(), the result has the same bits for every number of ranks if the
/// number of slots of all ranks together stays the same and that of each rank is a power of two. Costs a gradient tree
/// for each power of two up to the rank's number of slots; with one slot a rank, nothing.
template <Module Tree>
class SlotCounter {
 public:
  using Context = typename Tree::Context;

  /// For this rank's number of slots. Throws Error if it is below 1.
  explicit SlotCounter(Index count) : slots_(count) {
    require(count >= 1, "SlotCounter", "a rank has at least 1 slot, got ", count);
  }

  /// Takes over the gradient of the next slot and sets it to 0. Throws Error if all slots have been added.
  void add(const Context& context, Tree& gradient) {
    require(added_ < slots_, "SlotCounter", "all ", slots_, " slots have been added: take the sum first");
    ++added_;
    if (slots_ == 1) return;
    std::size_t k = 0;
    for (; k < sums_.size() && is_there_[k]; ++k) join(context, k, gradient);
    if (k == sums_.size()) {
      sums_.push_back(gradient.empty_tree());
      is_there_.push_back(false);
      for_each_tensor([](const auto& like, auto& tensor) { tensor = zeros_like(like); }, std::as_const(gradient),
                      sums_.back());
    }
    detail::swap_tensors(sums_[k], gradient, every);
    is_there_[k] = true;
    set_to_zero(context, gradient);
  }
  /// Writes the sum to the gradient and begins anew. Throws Error if slots are missing.
  void take_sum(const Context& context, Tree& gradient) {
    require(added_ == slots_, "SlotCounter", "the sum is of ", slots_, " slots, ", added_, " have been added");
    added_ = 0;
    bool is_first = true;
    for (std::size_t k = 0; k < sums_.size(); ++k) {
      if (!is_there_[k]) continue;
      if (is_first)
        detail::swap_tensors(sums_[k], gradient, every);
      else
        join(context, k, gradient);
      is_there_[k] = is_first = false;
    }
  }

 private:
  static bool every(std::size_t) { return true; }
  /// gradient = sums_[k] + gradient.
  void join(const Context& context, std::size_t k, Tree& gradient) {
    for_each_tensor([&](auto& earlier, const auto& later) { add_to(context, later, earlier.view()); }, sums_[k],
                    std::as_const(gradient));
    detail::swap_tensors(sums_[k], gradient, every);
    is_there_[k] = false;
  }

  Index slots_, added_ = 0;
  /// sums_[k] is of 2^k slots, if it is there.
  std::vector<Tree> sums_;
  std::vector<bool> is_there_;
};

}  // namespace moe
