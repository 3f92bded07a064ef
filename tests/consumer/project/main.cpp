// Uses little of the library, so that each way to use it is tested within a second.
#include <Eigen/src/Core/util/Macros.h>
#include <moe/routing/router/router.hpp>
#include <moe/routing/router/top_k.hpp>
#include <moe/version.hpp>

#ifndef EIGEN_MPL2_ONLY
#error "Eigen's parts under the LGPL are not disabled"
#endif
#if MOE_VERSION != MOE_VERSION_NUMBER(MOE_VERSION_MAJOR, MOE_VERSION_MINOR, MOE_VERSION_PATCH) || \
    MOE_VERSION >= MOE_VERSION_NUMBER(MOE_VERSION_MAJOR, MOE_VERSION_MINOR + 1, 0)
#error "the version macros do not compare as they should"
#endif

constexpr int expected[] = {EXPECTED_VERSION};
static_assert(moe::version_major == expected[0] && moe::version_minor == expected[1] &&
              moe::version_patch == expected[2]);
static_assert(EIGEN_VERSION_AT_LEAST(3, 4, 0));
static_assert(moe::Router<moe::TopK>);

int main() {
  const float logits_E[] = {0, 2, 1};
  moe::ChoiceOrder chosen_E[3];
  moe::TopK{.k = 1}.choose(moe::Row<const float>{logits_E, 3}, moe::Row<moe::ChoiceOrder>{chosen_E, 3});
  return chosen_E[1] == 1 ? 0 : 1;
}
