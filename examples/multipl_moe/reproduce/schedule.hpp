/// How long a plan takes with several stages side by side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// Seconds from the first stage's beginning to the last one's end, by the stages' estimates, if up to `jobs` of them
/// run at a time: each as soon as those that it needs have ended and a place is free, in the order of the plan.
inline double duration_of(const Plan& plan, int jobs) {
  std::set<std::string> ended;
  std::vector<bool> started(plan.stages.size());
  std::vector<std::pair<double, std::size_t>> running;  // end, and number of the stage
  for (double now = 0;;) {
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
      const Stage& stage = plan.stages[i];
      if (started[i] || running.size() >= static_cast<std::size_t>(jobs)) continue;
      if (!std::all_of(stage.needs.begin(), stage.needs.end(),
                       [&](const std::string& need) { return ended.contains(need); }))
        continue;
      started[i] = true;
      running.emplace_back(now + stage.seconds, i);
    }
    if (running.empty()) return now;
    const auto next = std::min_element(running.begin(), running.end());
    now = next->first;
    ended.insert(plan.stages[next->second].id);
    running.erase(next);
  }
}

}  // namespace multipl_moe::reproduce
