#include "multipl_moe/train/training_ranks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/same_on_ranks.hpp"
#include "multipl_moe/train/tensors_of_ranks.hpp"

namespace multipl_moe {

namespace {

/// The hash of the weights that all ranks have.
std::uint64_t hash_of_values(const RunRanks& ranks, LanguageModel& model) {
  const std::vector<TensorRef> tensors = model.tensors();
  const auto holders = holders_of(ranks, tensors);
  RunningHash hash;
  for (std::size_t t = 0; t < tensors.size(); ++t)
    if (holders[t].count == ranks.size())
      tensors[t].for_each_piece([&](std::size_t, std::span<const std::byte> bytes) { hash.add(bytes); });
  return hash.value();
}

/// The counts that a report needs, by layer, in one list.
template <class Visit>
void for_each_count(RoutingTally& tally, const Visit& visit) {
  for (auto* level : {&tally.token, &tally.segment})
    for (auto& [layer, of_layer] : *level)
      for (auto* counts : {&of_layer.chosen, &of_layer.kept})
        for (std::int64_t& count : *counts) visit(count);
}

}  // namespace

void require_dealt(std::int64_t micro_batches, int ranks) {
  if (micro_batches % ranks != 0)
    throw UsageError(
        fmt::format("[train] --gradient-accumulation-steps must be a multiple of the number of processes, which share "
                    "the micro-batches of a step, found {} and {}",
                    micro_batches, counted_processes(ranks)));
}

std::int64_t dealt_slots(std::int64_t asked_for, std::int64_t begun_with, std::int64_t micro_batches, int ranks,
                         ExpertPlacement placement) {
  if (placement != ExpertPlacement::everywhere) {
    if (asked_for > 0 && asked_for != ranks)
      throw UsageError(
          fmt::format("[train] --gradient-slots must be the number of processes with --placement {}, whose experts sum "
                      "the gradients "
                      "of all processes' tokens at once, found {} and {}",
                      name_of(placement), asked_for, counted_processes(ranks)));
    return ranks;
  }
  const auto fits = [&](std::int64_t slots) { return slots % ranks == 0 && micro_batches % slots == 0; };
  if (asked_for > 0 && !fits(asked_for))
    throw UsageError(
        fmt::format("[train] --gradient-slots must be a multiple of the number of processes and divide "
                    "--gradient-accumulation-steps, found {}, {} and {}",
                    asked_for, counted_processes(ranks), micro_batches));
  const std::int64_t usual = begun_with > 0 && fits(begun_with) ? begun_with : ranks;
  return asked_for > 0 ? asked_for : usual;
}

TrainingRanks::TrainingRanks(std::shared_ptr<const RunRanks> ranks, std::int64_t micro_batches)
    : ranks_(std::move(ranks)), micro_batches_(micro_batches) {
  require_dealt(micro_batches, size());
}

void TrainingRanks::require_same(RunSettings settings, LanguageModel& model) const {
  if (several() == nullptr) return;
  settings["values of the model"] = fmt::format("XXH3 {:016x}", hash_of_values(*ranks_, model));
  multipl_moe::require_same(*ranks_, std::move(settings));
}

std::int64_t TrainingRanks::slots(std::int64_t asked_for, std::int64_t begun_with, ExpertPlacement placement) const {
  const std::int64_t slots = dealt_slots(asked_for, begun_with, micro_batches_, size(), placement);
  if (begun_with > 0 && slots != begun_with && is_first())
    notice(
        "note: the run began with --gradient-slots {} and continues with {}: gradients are added in another order, so "
        "results differ in their last digits from those of an uninterrupted run\n",
        begun_with, slots);
  return slots;
}

void TrainingRanks::tell_of_balanced(std::optional<std::int64_t> begun_with) const {
  if (!begun_with || *begun_with == size() || !is_first()) return;
  notice(
      "note: the run began in {} and continues in {}: with --global-balance the micro-batches of all processes share "
      "one balance loss, so results differ from those of an uninterrupted run\n",
      counted_processes(*begun_with), counted_processes(size()));
}

StepPart TrainingRanks::part(std::int64_t slots) const {
  const std::int64_t here = micro_batches_ / size();
  return {.first = rank() * here, .slots = slots / size(), .per_slot = micro_batches_ / slots};
}

StepRecord TrainingRanks::exchange(const StepRecord& mine, RoutingTally& tally) const {
  if (several() == nullptr) return mine;
  StepRecord all;
  for (const auto& losses : ranks_->gather<MicroBatchLoss>("losses of a step", mine.losses))
    all.losses.insert(all.losses.end(), losses.begin(), losses.end());
  std::vector<std::int64_t> numbers{mine.signal};
  for_each_count(tally, [&](std::int64_t count) { numbers.push_back(count); });
  const auto of_ranks = ranks_->gather<std::int64_t>("signals and loads of a step", numbers);
  for (const auto& of_rank : of_ranks)
    if (all.signal == 0) all.signal = static_cast<int>(of_rank.front());
  std::size_t next = 1;
  for_each_count(tally, [&](std::int64_t& count) {
    count = 0;
    for (const auto& of_rank : of_ranks) count += of_rank.at(next);
    ++next;
  });
  return all;
}

std::int64_t TrainingRanks::of_first(std::int64_t number) const {
  if (several() == nullptr) return number;
  return ranks_->gather<std::int64_t>("the beginning of the run", std::span(&number, 1)).front().front();
}

HeldOutLosses TrainingRanks::joined(const HeldOutLosses& mine) const {
  if (several() == nullptr) return mine;
  struct Loss {
    std::int64_t language;
    double value;
  };
  std::vector<Loss> losses;
  for (const auto& [language, value] : mine) losses.push_back({static_cast<std::int64_t>(index_of(language)), value});
  HeldOutLosses all;
  for (const auto& of_rank : ranks_->gather<Loss>("losses on held-out text", losses))
    for (const Loss& loss : of_rank)
      all.emplace_back(all_languages[static_cast<std::size_t>(loss.language)], loss.value);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return index_of(a.first) < index_of(b.first); });
  return all;
}

}  // namespace multipl_moe
