#include "support/make_any_compositions.hpp"

namespace moe::testing {

template <>
const AnyCompositions<float>& any_compositions() {
  static const auto compositions = make_any_compositions<float>();
  return compositions;
}

}  // namespace moe::testing
