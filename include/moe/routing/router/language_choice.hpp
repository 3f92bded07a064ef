#pragma once

#include "moe/core/counted.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// MoLE's rule: a row of code goes to its language's expert and to the one that all languages share, any other row to
/// the expert of everything else. Experts are numbered by language, then the shared one, then the other one. Nothing is
/// learned and no logit is read: the batch says the language of each row (Batch::languages), and in decoding the caller
/// does, in the layer's decoding state.
struct LanguageChoice {
  static constexpr bool is_batch_invariant = true;
  /// Segments have none; rows of a batch without them are of no language.
  static constexpr bool needs_languages = true;

  /// L: languages are 0 to L - 1. A row of any other language, -1 among them, is prose or unknown.
  Index languages = 1;

  /// The expert that rows of code share.
  MOE_HOST_DEVICE Index shared() const { return languages; }
  /// The expert of all other rows.
  MOE_HOST_DEVICE Index other() const { return languages + 1; }
  /// How many experts there have to be.
  Index experts() const { return languages + 2; }

  /// Throws Error unless there are as many experts.
  void require_fits(Index count) const {
    require(languages >= 0 && count == experts(), "LanguageChoice", "there must be an expert for each of ",
            counted(languages, "languages"), " and two more, got ", count);
  }

  /// ChoiceOrder 1 for the language's expert and 2 for the shared one, or 1 for the other one.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> /*logits_E*/, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    for (ChoiceOrder& rank : chosen_E) rank = 0;
    if (row.language >= 0 && row.language < languages)
      chosen_E[row.language] = 1, chosen_E[shared()] = 2;
    else
      chosen_E[other()] = 1;
  }
};

}  // namespace moe
