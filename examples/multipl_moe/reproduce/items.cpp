#include "multipl_moe/reproduce/items.hpp"

#include <iterator>

#include "multipl_moe/reproduce/loss_items.hpp"
#include "multipl_moe/reproduce/margins.hpp"
#include "multipl_moe/reproduce/score_items.hpp"
#include "multipl_moe/reproduce/status_items.hpp"

namespace multipl_moe::reproduce {

std::vector<Item> all_items(const Plan& plan, const AllScores& scores, const std::filesystem::path& folder) {
  std::vector<Item> items = score_items(scores);
  const auto add = [&items](std::vector<Item> more) {
    items.insert(items.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  add(gain_items(scores));
  add(part_items(scores));
  add(status_items(read_outcomes(plan, folder)));
  add(loss_items(plan, folder));
  add({margins_item()});
  return items;
}

}  // namespace multipl_moe::reproduce
