/// The tensors of a run on several ranks, some of which one rank has alone. Rank 0 writes them to a checkpoint, and
/// every rank reads its own from one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/run_ranks.hpp"

namespace multipl_moe {

/// The ranks that have a tensor's values.
struct Holders {
  int first = 0;
  int count = 0;
};
/// For each of a model's tensors(), which every rank has but for those of spread experts. All ranks call it together.
std::vector<Holders> holders_of(const RunRanks& ranks, const std::vector<TensorRef>& tensors);

/// The name, dtype, bytes and shape of tensors of the optimizer's state as text, in which ranks tell each other what
/// they have. Names have no spaces.
std::string list_of_state(const std::vector<TensorRef>& tensors);

/// The list of all tensors of the model, of all tensors of the optimizer state in the order of the weights, and the
/// values of both on their way to rank 0.
class TensorsOfRanks {
 public:
  /// All ranks make one together, after begin_training(). The model must outlive it.
  TensorsOfRanks(const RunRanks& ranks, LanguageModel& model);
  /// The tensors refer to it.
  TensorsOfRanks(const TensorsOfRanks&) = delete;
  TensorsOfRanks& operator=(const TensorsOfRanks&) = delete;

  /// All tensors, the same lists on every rank. Those of other ranks can be read on rank 0 while the others serve(),
  /// and ignore what is written to them.
  const ModelTensors& all() const { return all_; }

  /// On rank 0: `save` may read all tensors, since the other ranks serve() until it ends. If it throws, they do too.
  void while_others_serve(const std::function<void()>& save) const;
  /// On the other ranks: sends rank 0 what it reads. Throws ErrorElsewhere with the message of what ended the save on
  /// rank 0, moe::CommError.
  void serve() const;

 private:
  static constexpr std::int64_t piece_wanted = 1, saved = 2, failed = 3;
  /// What rank 0 asks for, or how the save has ended.
  struct Request {
    std::int64_t kind = 0, tensor = 0, first = 0, bytes = 0;
  };
  /// Tells all ranks of `mine`, which is rank 0's; returns that.
  Request announce(const Request& mine) const;
  /// Ends serve() on the other ranks with this error.
  void tell(const std::exception& error) const;
  void receive(std::size_t tensor, std::size_t first, std::span<std::byte> bytes) const;

  /// Adds the tensor to `list`; if another rank has it, one that is received from there.
  void add(std::vector<TensorRef>& list, TensorRef tensor, int owner);
  void add_weights(LanguageModel& model);
  void add_state(LanguageModel& model);
  /// Tensor number `number` of both lists, one after the other.
  const TensorRef& tensor(std::size_t number) const;

  const RunRanks& ranks_;
  ModelTensors all_;
  std::vector<int> owner_;  ///< of both lists, one after the other
};

}  // namespace multipl_moe
