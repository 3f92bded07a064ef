#include "multipl_moe/benchmark/execution.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "multipl_moe/benchmark/for_each_in_slots.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe::benchmark {

namespace {

class Run {
 public:
  Run(const Toolchain& toolchain, const ResultCache& cache, std::span<const Task> tasks,
      std::vector<std::optional<Executed>> known, const ExecutionListener& listener)
      : toolchain_(toolchain), cache_(cache), tasks_(tasks), listener_(listener) {
    results_ = std::move(known);
    results_.resize(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) equal_[&tasks[i]].push_back(i);
    for (const auto& entry : equal_)
      if (!take_known(entry.second)) pending_.push_back(entry.second.front());
    std::sort(pending_.begin(), pending_.end());
  }

  std::vector<std::optional<Executed>> run(int jobs) {
    for_each_in_slots(pending_.size(), jobs, [&](std::size_t i, int slot) {
      if (should_stop()) return false;
      const std::size_t task = pending_[i];
      const std::string key = cache_key(toolchain_, tasks_[task].language, tasks_[task].program);
      const auto cached = cache_.find(key);
      const std::optional<Result> found = cached ? cached : run_program(task, slot);
      if (!found) return false;
      const Result& result = *found;
      if (!cached) cache_.store(key, result);
      const std::lock_guard lock(mutex_);
      if (!cached && listener_.ran) listener_.ran();
      if (result.status == Status::timeout)
        timed_out_.push_back(task);
      else
        finish(task, {result, cached.has_value()});
      return true;
    });
    std::sort(timed_out_.begin(), timed_out_.end());
    for (const std::size_t task : timed_out_) {
      if (should_stop()) break;
      std::optional<Result> result = run_program(task, 0);
      if (!result) break;
      cache_.store(cache_key(toolchain_, tasks_[task].language, tasks_[task].program), *result);
      result->runs = 2;
      finish(task, {*result, false});
    }
    return std::move(results_);
  }

 private:
  struct ByValue {
    bool operator()(const Task* left, const Task* right) const { return *left < *right; }
  };

  bool should_stop() const { return listener_.should_stop && listener_.should_stop(); }

  /// Empty if the program was cancelled.
  std::optional<Result> run_program(std::size_t task, int slot) const {
    try {
      return toolchain_.run(tasks_[task].language, tasks_[task].program, slot);
    } catch (const sandbox::Cancelled&) {
      return std::nullopt;
    }
  }

  /// If one of equal tasks has a result, the others get it.
  bool take_known(const std::vector<std::size_t>& equal) {
    const auto known =
        std::find_if(equal.begin(), equal.end(), [&](std::size_t task) { return results_[task].has_value(); });
    if (known == equal.end()) return false;
    const Result result = results_[*known]->result;
    for (const std::size_t task : equal)
      if (!results_[task]) give(task, {result, true});
    return true;
  }
  void finish(std::size_t task, const Executed& executed) {
    for (const std::size_t equal : equal_.at(&tasks_[task]))
      give(equal, {executed.result, executed.is_cached || equal != task});
  }
  void give(std::size_t task, const Executed& executed) {
    results_[task] = executed;
    if (listener_.done) listener_.done(task, executed);
  }

  const Toolchain& toolchain_;
  const ResultCache& cache_;
  std::span<const Task> tasks_;
  const ExecutionListener& listener_;
  std::map<const Task*, std::vector<std::size_t>, ByValue> equal_;
  std::vector<std::size_t> pending_, timed_out_;
  std::mutex mutex_;
  std::vector<std::optional<Executed>> results_;
};

}  // namespace

std::vector<std::optional<Executed>> execute(const Toolchain& toolchain, const ResultCache& cache,
                                             std::span<const Task> tasks, std::vector<std::optional<Executed>> known,
                                             int jobs, const ExecutionListener& listener) {
  return Run(toolchain, cache, tasks, std::move(known), listener).run(jobs);
}

}  // namespace multipl_moe::benchmark
