#include "moe/onednn.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/check_product.hpp"
#include "support/tolerance.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

template <Product product, class Real>
void check(Index m, Index n, Index k, Index gap, Index shift) {
  check_product<product, Real>(m, n, k, gap, shift,
                               [](auto a, auto b, auto c) { OneDnnGemm::add<product, Real>(a, b, c); });
}

}  // namespace

TEMPLATE_TEST_CASE("oneDNN's products of every shape match plain loops", "[onednn]", float, double) {
  for (const Index m : {0, 1, 2, 17, 65})
    for (const Index n : {0, 1, 3, 33})
      for (const Index k : {0, 1, 5, 70}) {
        const Index gap = (m + n) % 3, shift = (n + k) % 4;
        check<Product::plain, TestType>(m, n, k, gap, shift);
        check<Product::left_transposed, TestType>(m, n, k, gap, shift);
        check<Product::right_transposed, TestType>(m, n, k, gap, shift);
      }
}

TEST_CASE("experts' outputs with oneDNN match TileGemm, and the caller's OpenMP thread count is unchanged",
          "[onednn]") {
  const int before = omp_get_max_threads();
  const auto answers = [](auto gemm) {
    using B = Cpu<decltype(gemm)>;
    using X = SwiGlu<float, B>;
    Draw draw("oneDNN experts");
    std::vector<X> experts;
    for (int e = 0; e < 3; ++e) {
      experts.emplace_back(40, 300);
      randomize(draw, experts.back(), 0.2);
    }
    const auto x = random_matrix<float, B>(draw, 310, 40);
    const typename B::Context context{.threads = 2};
    return values_of(X::infer_groups(context, std::span<const X>(experts), x.view(), {0, 7, 300, 310}));
  };
  CHECK(nmse(answers(TileGemm{}), answers(OneDnnGemm{})) < Tolerance<float>::nmse);
  CHECK(omp_get_max_threads() == before);
}
