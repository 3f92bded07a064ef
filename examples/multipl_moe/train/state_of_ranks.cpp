#include "multipl_moe/train/state_of_ranks.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "moe/core/index.hpp"

namespace multipl_moe {

namespace {

constexpr const char* site = "the optimizer's state for a checkpoint";

/// The weights that train, in the order of the model.
std::map<std::string, std::size_t> trained_weights(LanguageModel& model) {
  constexpr std::string_view suffix = ".grad";
  std::map<std::string, std::size_t> places;
  std::size_t place = 0;
  for (const TensorRef& gradient : model.gradients())
    places[gradient.name.substr(0, gradient.name.size() - suffix.size())] = place++;
  return places;
}

/// The name, dtype, shape and bytes of tensors as text: names have no spaces.
std::string text_of(const std::vector<TensorRef>& tensors) {
  std::string text;
  for (const TensorRef& tensor : tensors) {
    text += tensor.name + " " + std::string(tensor.dtype) + " " + std::to_string(tensor.bytes) + " " +
            std::to_string(tensor.shape.size());
    for (const std::int64_t extent : tensor.shape) text += " " + std::to_string(extent);
    text += "\n";
  }
  return text;
}

/// The inverse. The dtype is that of the literals of TensorRef.
std::vector<TensorRef> tensors_in(const std::string& text) {
  std::vector<TensorRef> tensors;
  std::size_t at = 0;
  const auto next = [&] {
    const std::size_t begin = at, end = text.find_first_of(" \n", begin);
    at = end + 1;
    return text.substr(begin, end - begin);
  };
  while (at < text.size()) {
    TensorRef tensor;
    tensor.name = next();
    const std::string dtype = next();
    for (const std::string_view known : {"F32", "BF16", "U16"})
      if (dtype == known) tensor.dtype = known;
    tensor.bytes = std::stoull(next());
    for (std::size_t extents = std::stoull(next()); extents > 0; --extents) tensor.shape.push_back(std::stoll(next()));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace

StateOfRanks::StateOfRanks(const RunRanks& ranks, LanguageModel& model) : ranks_(ranks) {
  const std::vector<TensorRef> mine = model.optimizer_state();
  const std::string text = text_of(mine);
  struct Entry {
    std::size_t place;
    TensorRef tensor;
    int owner;
  };
  std::vector<Entry> entries;
  const auto places = trained_weights(model);
  const auto add = [&](TensorRef tensor, int owner) {
    const std::string weight = tensor.name.substr(0, tensor.name.rfind('.'));
    entries.push_back({places.at(weight), std::move(tensor), owner});
  };
  int rank = 0;
  for (const std::vector<char>& of_rank : ranks.gather<char>("the list of the optimizer's state", text)) {
    if (rank == ranks.rank())
      for (const TensorRef& tensor : mine) add(tensor, rank);
    else
      for (TensorRef& tensor : tensors_in({of_rank.begin(), of_rank.end()})) add(std::move(tensor), rank);
    ++rank;
  }
  // Those of one weight are together, in the order of their owner.
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.place < b.place; });
  for (Entry& entry : entries) {
    if (entry.owner != ranks.rank()) {
      entry.tensor.is_elsewhere = true;
      entry.tensor.read = [this, number = all_.size()](std::size_t first, std::span<std::byte> bytes) {
        receive(number, first, bytes);
      };
    }
    all_.push_back(std::move(entry.tensor));
    owner_.push_back(entry.owner);
  }
}

StateOfRanks::Request StateOfRanks::announce(const Request& mine) const {
  constexpr moe::Index numbers = 4;
  std::vector<moe::Index> to, from(static_cast<std::size_t>(ranks_.size()) * numbers);
  for (int p = 0; p < ranks_.size(); ++p)
    for (const moe::Index number : {mine.kind, mine.tensor, mine.first, mine.bytes}) to.push_back(number);
  ranks_.library()->announce({site}, to, numbers, from.data());
  return {from[0], from[1], from[2], from[3]};
}

void StateOfRanks::send(const Request& request) const {
  const auto tensor = static_cast<std::size_t>(request.tensor), first = static_cast<std::size_t>(request.first);
  std::vector<moe::Index> to(static_cast<std::size_t>(ranks_.size())), from(to.size());
  const bool is_mine = owner_[tensor] == ranks_.rank();
  if (is_mine) to[0] = request.bytes;
  const std::byte* const values = is_mine ? all_[tensor].memory.data() + first : nullptr;
  ranks_.library()->all_to_all_v({}, values, to, nullptr, from);
}

void StateOfRanks::receive(std::size_t tensor, std::size_t first, std::span<std::byte> bytes) const {
  const auto size = static_cast<moe::Index>(bytes.size());
  announce({piece_wanted, static_cast<std::int64_t>(tensor), static_cast<std::int64_t>(first), size});
  std::vector<moe::Index> to(static_cast<std::size_t>(ranks_.size())), from(to.size());
  from[static_cast<std::size_t>(owner_[tensor])] = size;
  ranks_.library()->all_to_all_v({}, nullptr, to, bytes.data(), from);
}

void StateOfRanks::serve() const {
  for (Request request = announce({}); request.kind == piece_wanted; request = announce({})) send(request);
}

void StateOfRanks::end_send() const { announce({.kind = nothing_more}); }

}  // namespace multipl_moe
