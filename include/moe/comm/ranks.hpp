#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/ranks.hpp"

namespace moe {

/// A place of the program from which all ranks call together, for error messages and counters. The text of `name` must
/// outlive the Ranks: use a literal.
struct Site {
  /// Stands for no layer.
  static constexpr std::uint32_t no_layer = 0xffffffffu;
  /// What is being done, at most 40 bytes: "forward", "sum of gradients".
  std::string_view name;
  /// The layer's number in the model, or no_layer.
  std::uint32_t layer = no_layer;

  /// "layer 3, forward", or the name alone.
  std::string text() const {
    return layer == no_layer ? std::string(name) : "layer " + std::to_string(layer) + ", " + std::string(name);
  }
};

/// What this rank has sent from one site.
struct Traffic {
  /// Number of calls that move data.
  std::int64_t calls = 0;
  /// Bytes of rows, gradients and weights sent to other ranks.
  std::int64_t bytes = 0;
  /// Number of announcements.
  std::int64_t announcements = 0;
  /// Bytes of announcements, counts included, sent to other ranks.
  std::int64_t announced_bytes = 0;
  /// Seconds in these calls, waits for other ranks included.
  double seconds = 0;
};

/// The ranks that work together, whatever memory their data is in: who they are, records in host memory, limits and
/// counters. Every rank makes the same calls in the same order. Calls are made by one thread at a time.
class AnyRanks {
 public:
  /// Copies refer to the same engine through a shared_ptr instead.
  AnyRanks() = default;
  AnyRanks(const AnyRanks&) = delete;
  AnyRanks& operator=(const AnyRanks&) = delete;
  virtual ~AnyRanks() = default;

  /// This rank, in [0, size()).
  virtual int rank() const = 0;
  /// Number of ranks.
  virtual int size() const = 0;

  /// The next calls belong to `site`. Sends `per_rank` numbers to each rank, from `to` with those for rank 0 first, and
  /// writes those of each rank to `from`, rank 0 first. All in host memory. Throws CommError if another rank is at
  /// another site, made another number of announcements, or has another `per_rank`.
  virtual void announce(Site site, ListView<Index> to, Index per_rank, Index* from) = 0;
  /// The same without numbers.
  void announce(Site site) { announce(site, {}, 0, nullptr); }
  /// Announces `site` and returns a record of every rank, such as losses and signals; sizes may differ. In host memory.
  virtual std::vector<std::vector<std::byte>> gather(Site site, std::span<const std::byte> mine) = 0;
  /// The same for rank `root` alone; the other ranks get records of no bytes.
  virtual std::vector<std::vector<std::byte>> gather_to(int root, Site site, std::span<const std::byte> mine) = 0;
  /// Announces `site` and returns when every rank has called it.
  void barrier(Site site) { announce(site); }

  /// The longest wait for other ranks; 0: no limit. A longer one throws CommError with the site.
  virtual void set_timeout(std::chrono::milliseconds time) = 0;
  /// Ends every rank; does not return.
  virtual void abort(int exit_code) = 0;
  /// What this rank has sent, by Site::text().
  virtual std::map<std::string, Traffic> traffic() const = 0;
  /// Sets the counters to 0.
  virtual void reset_traffic() = 0;
};

/// The ranks that a context's layers run on, with the engine's type erased: one virtual call per exchange. A context
/// without Ranks is alone. announce() comes first, which compares the ranks' places and throws CommError with both if
/// they differ, then the calls that move data, which is in the memory of backend B.
template <class B>
class Ranks : public AnyRanks {
 public:
  using Context = typename B::Context;

  /// Comm::all_to_all_v.
  virtual void all_to_all_v(const Context& context, const void* from, ListView<Index> bytes_to, void* to,
                            ListView<Index> bytes_from) = 0;
  /// Comm::all_gather_v.
  virtual void all_gather_v(const Context& context, const void* from, ListView<Index> bytes, void* to) = 0;
  /// Comm::broadcast.
  virtual void broadcast(const Context& context, void* data, Index bytes, int root) = 0;
};

/// Whether a context's layers run on several ranks.
template <class Context>
bool has_ranks(const Context& context) {
  return context.ranks != nullptr && context.ranks->size() > 1;
}

/// The sum over ranks of each number; every rank passes as many. One announcement of `site`. Throws CommError as
/// AnyRanks::announce.
inline std::vector<Index> sum_over_ranks(AnyRanks& ranks, Site site, const std::vector<Index>& mine) {
  std::vector<Index> to, from(mine.size() * static_cast<std::size_t>(ranks.size())), sum(mine.size());
  for (int p = 0; p < ranks.size(); ++p) to.insert(to.end(), mine.begin(), mine.end());
  ranks.announce(site, to, static_cast<Index>(mine.size()), from.data());
  for (std::size_t i = 0; i < from.size(); ++i) sum[i % sum.size()] += from[i];
  return sum;
}

}  // namespace moe
