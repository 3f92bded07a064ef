#include "multipl_moe/exercises/families.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "multipl_moe/exercises/families/draw.hpp"

namespace multipl_moe::exercises {

namespace {

struct Row {
  Family family;
  std::string_view name;
  int level;
  std::uint64_t weight;  ///< in training text
  Exercise (*draw)(Draws&);
};

// Training text has few functions of the composed families: with many, a model of under a million parameters did not
// learn to copy constants within minutes.
constexpr std::array rows{Row{Family::constants, "constants", 1, 4, draw_constants},
                          Row{Family::arguments, "arguments", 1, 4, draw_arguments},
                          Row{Family::text, "text", 2, 2, draw_text},
                          Row{Family::choice, "choice", 2, 2, draw_choice},
                          Row{Family::fold, "fold", 2, 2, draw_fold},
                          Row{Family::map_filter, "map_filter", 3, 2, draw_map_filter},
                          Row{Family::two_steps, "two_steps", 3, 2, draw_two_steps},
                          Row{Family::pairs, "pairs", 4, 1, draw_pairs},
                          Row{Family::repetition, "repetition", 4, 1, draw_repetition},
                          Row{Family::filters, "filters", 3, 1, draw_filters},
                          Row{Family::chain, "chain", 4, 1, draw_chain}};

}  // namespace

std::string filled(std::string_view phrase, const Words& words) {
  std::string text;
  while (!phrase.empty()) {
    const std::size_t before = (std::min)(phrase.find('{'), phrase.size());
    text += phrase.substr(0, before);
    phrase.remove_prefix(before);
    const std::size_t end = phrase.find('}');
    if (end == phrase.npos) break;
    const std::string_view name = phrase.substr(1, end - 1);
    const auto word = std::find_if(words.begin(), words.end(), [name](const auto& each) { return each.first == name; });
    text += word == words.end() ? phrase.substr(0, end + 1) : std::string_view(word->second);
    phrase.remove_prefix(end + 1);
  }
  return text;
}

std::string_view name_of(Family family) { return rows[static_cast<std::size_t>(family)].name; }

int level_of(Family family) { return rows[static_cast<std::size_t>(family)].level; }

std::vector<Family> families_of(int level) {
  std::vector<Family> families;
  std::copy_if(all_families.begin(), all_families.end(), std::back_inserter(families),
               [level](Family family) { return level_of(family) == level; });
  return families;
}

Family draw_training_family(Draws& draws) {
  constexpr std::uint64_t all = [] {
    std::uint64_t sum = 0;
    for (const Row& row : rows) sum += row.weight;
    return sum;
  }();
  std::uint64_t place = draws.below(all);
  const Row* row = rows.data();
  for (; place >= row->weight; ++row) place -= row->weight;
  return row->family;
}

Exercise draw_exercise(Family family, Draws& draws) { return rows[static_cast<std::size_t>(family)].draw(draws); }

}  // namespace multipl_moe::exercises
