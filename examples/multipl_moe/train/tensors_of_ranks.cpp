#include "multipl_moe/train/tensors_of_ranks.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "moe/comm/errors.hpp"
#include "moe/core/index.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr const char *site = "tensors for a checkpoint", *failed_save = "a checkpoint that failed";

/// The inverse of list_of_state(). The dtype is that of the literals of TensorRef.
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

std::string list_of_state(const std::vector<TensorRef>& tensors) {
  std::string text;
  for (const TensorRef& tensor : tensors) {
    text += tensor.name + " " + std::string(tensor.dtype) + " " + std::to_string(tensor.bytes) + " " +
            std::to_string(tensor.shape.size());
    for (const std::int64_t extent : tensor.shape) text += " " + std::to_string(extent);
    text += "\n";
  }
  return text;
}

std::vector<Holders> holders_of(const RunRanks& ranks, const std::vector<TensorRef>& tensors) {
  std::vector<std::uint8_t> here;
  for (const TensorRef& tensor : tensors) here.push_back(tensor.is_elsewhere ? 0 : 1);
  std::vector<Holders> holders(tensors.size());
  int rank = 0;
  for (const auto& of_rank : ranks.gather<std::uint8_t>("which weights a process has", here)) {
    for (std::size_t t = 0; t < holders.size(); ++t)
      if (of_rank.at(t) == 1 && holders[t].count++ == 0) holders[t].first = rank;
    ++rank;
  }
  return holders;
}

TensorsOfRanks::TensorsOfRanks(const RunRanks& ranks, LanguageModel& model) : ranks_(ranks) {
  add_weights(model);
  add_state(model);
}

void TensorsOfRanks::add(std::vector<TensorRef>& list, TensorRef tensor, int owner) {
  if (owner != ranks_.rank()) {
    tensor.is_elsewhere = true;
    tensor.memory = {};
    tensor.read = [this, number = owner_.size()](std::size_t first, std::span<std::byte> bytes) {
      receive(number, first, bytes);
    };
  }
  list.push_back(std::move(tensor));
  owner_.push_back(owner);
}

void TensorsOfRanks::add_weights(LanguageModel& model) {
  std::vector<TensorRef> tensors = model.tensors();
  const auto holders = holders_of(ranks_, tensors);
  for (std::size_t t = 0; t < tensors.size(); ++t) add(all_.tensors, std::move(tensors[t]), holders[t].first);
}

void TensorsOfRanks::add_state(LanguageModel& model) {
  std::map<std::string, std::size_t> places;
  for (const TensorRef& weight : all_.tensors) places.emplace(weight.name, places.size());
  const std::vector<TensorRef> mine = model.optimizer_state();
  struct Entry {
    std::size_t place;
    TensorRef tensor;
    int owner;
  };
  std::vector<Entry> entries;
  const auto enter = [&](TensorRef tensor, int owner) {
    const std::string weight = tensor.name.substr(0, tensor.name.rfind('.'));
    entries.push_back({places.at(weight), std::move(tensor), owner});
  };
  int rank = 0;
  for (const std::vector<char>& of_rank :
       ranks_.gather<char>("the list of the optimizer's state", list_of_state(mine))) {
    if (rank == ranks_.rank())
      for (const TensorRef& tensor : mine) enter(tensor, rank);
    else
      for (TensorRef& tensor : tensors_in({of_rank.begin(), of_rank.end()})) enter(std::move(tensor), rank);
    ++rank;
  }
  // Those of one weight are together, in the order of their owner.
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.place < b.place; });
  for (Entry& entry : entries) add(all_.optimizer_state, std::move(entry.tensor), entry.owner);
}

const TensorRef& TensorsOfRanks::tensor(std::size_t number) const {
  const std::size_t weights = all_.tensors.size();
  return number < weights ? all_.tensors[number] : all_.optimizer_state[number - weights];
}

TensorsOfRanks::Request TensorsOfRanks::announce(const Request& mine) const {
  constexpr moe::Index numbers = 4;
  std::vector<moe::Index> to, from(static_cast<std::size_t>(ranks_.size()) * numbers);
  for (int p = 0; p < ranks_.size(); ++p)
    for (const moe::Index number : {mine.kind, mine.tensor, mine.first, mine.bytes}) to.push_back(number);
  ranks_.library()->announce({site}, to, numbers, from.data());
  return {from[0], from[1], from[2], from[3]};
}

void TensorsOfRanks::receive(std::size_t tensor, std::size_t first, std::span<std::byte> bytes) const {
  announce({piece_wanted, static_cast<std::int64_t>(tensor), static_cast<std::int64_t>(first),
            static_cast<std::int64_t>(bytes.size())});
  const auto pieces = ranks_.library()->gather_to(0, {site}, {});
  const auto& piece = pieces[static_cast<std::size_t>(owner_[tensor])];
  std::copy(piece.begin(), piece.end(), bytes.begin());
}

void TensorsOfRanks::while_others_serve(const std::function<void()>& save) const {
  try {
    save();
  } catch (const moe::CommError&) {
    throw;  // Nothing can be sent any more.
  } catch (const std::exception& error) {
    tell(error);
    throw;
  }
  announce({.kind = saved});
}

void TensorsOfRanks::tell(const std::exception& error) const {
  const std::string text = error.what();
  const std::int64_t exit_code = exit_code_of(error).value_or(1);
  try {
    announce({.kind = failed});
    ranks_.gather<std::int64_t>(failed_save, std::span(&exit_code, 1));
    ranks_.gather<char>(failed_save, text);
  } catch (const moe::CommError&) {
    // The run ends because of the first error, whether the others learn of it or not.
  }
}

void TensorsOfRanks::serve() const {
  Request wanted = announce({});
  for (; wanted.kind == piece_wanted; wanted = announce({})) {
    const auto number = static_cast<std::size_t>(wanted.tensor), first = static_cast<std::size_t>(wanted.first),
               count = static_cast<std::size_t>(wanted.bytes);
    std::vector<std::byte> copy;
    std::span<const std::byte> piece;
    if (owner_[number] == ranks_.rank()) {
      const TensorRef& mine = tensor(number);
      if (mine.memory.empty()) {
        copy.resize(count);
        mine.read(first, copy);
      }
      piece = mine.memory.empty() ? copy : std::span<const std::byte>(mine.memory).subspan(first, count);
    }
    ranks_.library()->gather_to(0, {site}, piece);
  }
  if (wanted.kind == saved) return;
  const std::int64_t exit_code = ranks_.gather<std::int64_t>(failed_save, {}).front().front();
  const std::vector<char> text = ranks_.gather<char>(failed_save, {}).front();
  throw ErrorElsewhere(static_cast<int>(exit_code), {text.begin(), text.end()});
}

}  // namespace multipl_moe
