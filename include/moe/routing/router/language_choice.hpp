#pragma once

#include "moe/core/counted.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// MoLE's rule: a row of code is routed to the expert of its language and to the shared expert of all languages, any
/// other row to the expert for everything else. Expert indices: first the languages, then the shared expert, then the
/// other one. There are no parameters and logits are not read: the batch has the language of each row
/// (Batch::languages), and in decoding the caller sets it in the layer's decoding state.
struct LanguageChoice {
  static constexpr bool is_batch_invariant = true;
  /// Segments have no language; rows of a batch without languages have none.
  static constexpr bool needs_languages = true;

  /// Number of languages, L; languages are 0 to L - 1. A row of any other language, -1 among them, is prose or unknown.
  Index languages = 1;

  /// Index of the expert that all rows of code share.
  MOE_HOST_DEVICE Index shared() const { return languages; }
  /// Index of the expert of all other rows.
  MOE_HOST_DEVICE Index other() const { return languages + 1; }
  /// Required number of experts.
  Index experts() const { return languages + 2; }

  /// Throws Error unless `count` is the required number of experts.
  void require_fits(Index count) const {
    require(languages >= 0 && count == experts(), "LanguageChoice", "there must be an expert for each of ",
            counted(languages, "languages"), ", a shared one and one for other rows, got ", count);
  }

  /// Choice order 1 for the language's expert and 2 for the shared one, or 1 for the other one.
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
