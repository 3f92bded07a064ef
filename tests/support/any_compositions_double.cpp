#include "support/make_any_compositions.hpp"

namespace moe::testing {

template <>
const AnyCompositions<double>& any_compositions() {
  static const auto compositions = make_any_compositions<double>();
  return compositions;
}

}  // namespace moe::testing
