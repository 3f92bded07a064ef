/// The families of functions: how a function of each is drawn, and the sentences that describe it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/exercises/draws.hpp"
#include "multipl_moe/exercises/key.hpp"
#include "multipl_moe/exercises/tree.hpp"

namespace multipl_moe::exercises {

enum class Family : std::uint8_t {
  constants,   ///< one argument and one or two constants
  arguments,   ///< two arguments and a constant
  text,        ///< repeats and joins texts
  choice,      ///< one of two expressions
  fold,        ///< a sum or a number of elements
  map_filter,  ///< some elements of a list, changed
  two_steps,   ///< a sum, then a choice
  pairs,       ///< nested loops
  repetition,  ///< a loop with a condition
  filters,     ///< elements with several conditions, changed, then added up
  chain        ///< two to five steps
};

/// 1: an expression; 2: a condition or a text; 3: two parts, or several conditions; 4: nested or repeated steps. The
/// sentences of `filters` and `chain` are composed, the others have few forms.
inline constexpr int level_count = 4;
inline constexpr std::array all_families{Family::constants,  Family::arguments,  Family::text,      Family::choice,
                                         Family::fold,       Family::map_filter, Family::two_steps, Family::pairs,
                                         Family::repetition, Family::filters,    Family::chain};

std::string_view name_of(Family family);
/// 1 to level_count.
int level_of(Family family);
/// The families of a level.
std::vector<Family> families_of(int level);
/// A family as often as training text has it.
Family draw_training_family(Draws& draws);

/// Sentences 0 to 2 are for training, dev and test; the last one is for the stratum `wording` alone.
inline constexpr std::size_t sentence_count = 4;
inline constexpr std::size_t training_sentences = sentence_count - 1;

/// The words that replace `{name}` in a phrase, by name.
using Words = std::vector<std::pair<std::string_view, std::string>>;
/// `phrase` with its words filled in; a name without a word stays as it is. Every `{` must have a `}`.
std::string filled(std::string_view phrase, const Words& words);

struct Exercise {
  Family family = Family::constants;
  Key key;
  Function function;
  /// In each wording; {0} and {1} stand for the names of the parameters.
  std::array<std::string, sentence_count> sentences;
};

/// A function of the family with random operators and constants.
Exercise draw_exercise(Family family, Draws& draws);

}  // namespace multipl_moe::exercises
