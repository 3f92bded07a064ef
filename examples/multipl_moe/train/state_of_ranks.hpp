/// The optimizer state of a run on several ranks, which rank 0 writes to a checkpoint and every rank reads from one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/run_ranks.hpp"

namespace multipl_moe {

/// The list of all tensors of the state, in the order of the weights, and the values on their way to rank 0.
class StateOfRanks {
 public:
  /// All ranks make one together, after begin_training(). The model must outlive it.
  StateOfRanks(const RunRanks& ranks, LanguageModel& model);
  /// The tensors refer to it.
  StateOfRanks(const StateOfRanks&) = delete;
  StateOfRanks& operator=(const StateOfRanks&) = delete;

  /// The whole state, the same list on every rank. Those of other ranks can be read on rank 0 while the others
  /// serve(), and ignore what is written to them.
  const std::vector<TensorRef>& all() const { return all_; }

  /// On the other ranks: sends rank 0 what it reads, until it calls end_send(). Throws moe::CommError.
  void serve() const;
  /// On rank 0: the other ranks return from serve().
  void end_send() const;

 private:
  static constexpr std::int64_t piece_wanted = 1, nothing_more = 2;
  /// What rank 0 asks for.
  struct Request {
    std::int64_t kind = 0, tensor = 0, first = 0, bytes = 0;
  };
  /// Tells all ranks of `mine`, which is rank 0's; returns that.
  Request announce(const Request& mine) const;
  void send(const Request& request) const;
  void receive(std::size_t tensor, std::size_t first, std::span<std::byte> bytes) const;

  const RunRanks& ranks_;
  std::vector<TensorRef> all_;
  std::vector<int> owner_;
};

}  // namespace multipl_moe
