/// The processes that train one model together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/comm/ranks.hpp"

namespace multipl_moe {

/// The ranks of a run, over any engine, for a model on one device. Every rank trains it on micro-batches of its own.
class RunRanks {
 public:
  /// `ranks` is a moe::Ranks of the backend that the model computes on.
  explicit RunRanks(std::shared_ptr<moe::AnyRanks> ranks) : ranks_(std::move(ranks)) {}

  int rank() const { return ranks_->rank(); }
  int size() const { return ranks_->size(); }
  const std::shared_ptr<moe::AnyRanks>& library() const { return ranks_; }
  /// The same for layers on a backend; null if they are of another one.
  template <class Backend>
  std::shared_ptr<moe::Ranks<Backend>> of() const {
    return std::dynamic_pointer_cast<moe::Ranks<Backend>>(ranks_);
  }

  /// The values of every rank. All ranks call it together; `what` is a literal that says for what.
  template <class Value>
  std::vector<std::vector<Value>> gather(const char* what, std::span<const Value> mine) const {
    static_assert(std::is_trivially_copyable_v<Value>);
    std::vector<std::vector<Value>> all;
    for (const std::vector<std::byte>& bytes : ranks_->gather({what}, std::as_bytes(mine))) {
      const auto* const first = reinterpret_cast<const Value*>(bytes.data());
      all.emplace_back(first, first + bytes.size() / sizeof(Value));
    }
    return all;
  }

 private:
  std::shared_ptr<moe::AnyRanks> ranks_;
};

/// How long a rank waits for the others in one call; 0: no limit.
struct RankWaits {
  std::chrono::milliseconds usual{300'000};
  /// While a rank may do alone what takes long, such as reading a model or writing a checkpoint; at least `usual`.
  std::chrono::milliseconds longer{1'800'000};

  std::chrono::milliseconds longest() const { return usual.count() == 0 ? usual : std::max(usual, longer); }
};

/// The ranks wait longer during its lifetime, and as usual from then on.
class LongerWait {
 public:
  /// `ranks` is null for one process, which waits for none.
  LongerWait(const RunRanks* ranks, const RankWaits& waits) : ranks_(ranks), usual_(waits.usual) {
    if (ranks_ != nullptr) ranks_->library()->set_timeout(waits.longest());
  }
  ~LongerWait() {
    if (ranks_ != nullptr) ranks_->library()->set_timeout(usual_);
  }
  LongerWait(const LongerWait&) = delete;
  LongerWait& operator=(const LongerWait&) = delete;

 private:
  const RunRanks* ranks_;
  std::chrono::milliseconds usual_;
};

}  // namespace multipl_moe
