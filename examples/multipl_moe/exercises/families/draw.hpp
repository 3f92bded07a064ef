/// One function for each family, which draws an exercise of it.
#pragma once

#include "multipl_moe/exercises/families.hpp"

namespace multipl_moe::exercises {

Exercise draw_constants(Draws& draws);
Exercise draw_arguments(Draws& draws);
Exercise draw_text(Draws& draws);
Exercise draw_choice(Draws& draws);
Exercise draw_fold(Draws& draws);
Exercise draw_map_filter(Draws& draws);
Exercise draw_two_steps(Draws& draws);
Exercise draw_pairs(Draws& draws);
Exercise draw_repetition(Draws& draws);
Exercise draw_filters(Draws& draws);
Exercise draw_chain(Draws& draws);

}  // namespace multipl_moe::exercises
