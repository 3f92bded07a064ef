#include "moe/train/split_into_adapters.hpp"

#include "compiled_layers/compiled_layers.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/upcycle.hpp"
#include "support/adapters.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace split_into_adapters_test {

using namespace moe;
using namespace moe::testing;

namespace {

const CpuContext context{.threads = 2};

/// The inner product of two adapters' matrices s B A: the sum of squares for an adapter with itself, 0 for adapters
/// that share no direction.
double inner_of_products(const reference::Adapter& a, const reference::Adapter& b) {
  double sum = 0;
  for (std::size_t r = 0; r < a.a.size(); ++r)
    for (std::size_t q = 0; q < b.a.size(); ++q) {
      double columns = 0;
      for (std::size_t o = 0; o < a.b.size(); ++o) columns += a.b[o][r] * b.b[o][q];
      sum += a.scale * b.scale * columns * reference::dot(a.a[r], b.a[q]);
    }
  return sum;
}

template <class Value>
SwiGlu<Value, Cpu<>> dense_ffn(Index width, Index hidden) {
  Draw draw("split");
  SwiGlu<Value, Cpu<>> dense(width, hidden);
  randomize(draw, dense, 0.3);
  return dense;
}
const MoleSettings small{.languages = 3, .language_rank = 2, .language_alpha = 5, .shared_rank = 4, .shared_alpha = 3};

/// The largest deviation from the dense FFN, over rows of every language and of prose.
template <class Value>
double distance(const SwiGlu<Value, Cpu<>>& dense, const Mole<Value, Cpu<>>& layer) {
  Draw draw("split rows");
  double worst = 0;
  for (std::int32_t language = -1; language <= 3; ++language) {
    const auto x = random_matrix<Value, Cpu<>>(draw, 20, dense.width());
    const std::vector<std::int32_t> languages(20, language);
    Batch batch = Batch::single(20);
    batch.languages = languages;
    worst = std::max(worst, relative_deviation(values_of(dense.infer(context, x, batch)),
                                               values_of(layer.infer(context, x, batch))));
  }
  return worst;
}

}  // namespace

TEST_CASE("a split FFN has the dense FFN's output, for every language and for prose", "[train][upcycled]") {
  for (const auto& [width, hidden] : {std::pair<Index, Index>{12, 20}, {20, 12}, {6, 6}}) {
    INFO(width << " wide, " << hidden << " inner channels");
    const auto dense = dense_ffn<double>(width, hidden);
    auto layer = make_mole(SwiGlu<double, Cpu<>>(width, hidden), small);
    split_into_adapters(context, dense, layer);
    CHECK(distance(dense, layer) < 1e-12);
    const auto dense_f = dense_ffn<float>(width, hidden);
    auto layer_f = make_mole(SwiGlu<float, Cpu<>>(width, hidden), small);
    split_into_adapters(context, dense_f, layer_f);
    CHECK(distance(dense_f, layer_f) < 1e-5);
    // The base alone is far from the dense FFN, and so is the layer without one of its adapters.
    CHECK(relative_deviation(values_of(dense.gate_proj), values_of(layer.base.gate_proj)) > 0.1);
    layer.up_proj.adapters[1].lora_B.fill_zero();
    CHECK(distance(dense, layer) > 0.01);
  }
}

TEST_CASE("split_into_adapters may split the layer's own base", "[train]") {
  const auto dense = dense_ffn<double>(12, 20);
  auto layer = make_mole(dense_ffn<double>(12, 20), small);
  split_into_adapters(context, layer.base, layer);
  CHECK(distance(dense, layer) < 1e-12);
}

TEST_CASE("the shared adapter takes the strongest directions, languages the next, and the base the rest", "[train]") {
  const auto dense = dense_ffn<double>(12, 20);
  auto layer = make_mole(SwiGlu<double, Cpu<>>(12, 20), small);
  split_into_adapters(context, dense, layer);
  const auto adapters = reference_of(layer.up_proj);
  const reference::Adapter base{rows_of_matrix(layer.base.up_proj), [] {
                                  reference::Rows one(20, reference::Vector(20, 0.0));
                                  for (std::size_t i = 0; i < 20; ++i) one[i][i] = 1;
                                  return one;
                                }()};
  const double whole = [&] {
    double sum = 0;
    for (const double value : values_of(dense.up_proj)) sum += value * value;
    return sum;
  }();
  const auto energy = [](const reference::Adapter& a) { return inner_of_products(a, a); };
  // Parts of one decomposition share no direction, so their squares add up to the whole.
  CHECK(energy(adapters[3]) + energy(adapters[0]) + energy(base) == Catch::Approx(whole).epsilon(1e-12));
  CHECK(energy(adapters[4]) + energy(base) == Catch::Approx(whole).epsilon(1e-12));
  CHECK(std::abs(inner_of_products(adapters[3], adapters[0])) < 1e-12);
  CHECK(std::abs(inner_of_products(adapters[0], base)) < 1e-12);
  CHECK(energy(adapters[3]) / 4 > energy(adapters[0]) / 2);
  CHECK(energy(adapters[0]) / 2 > energy(base) / 6);
  // Both factors have sqrt(S / s), with the singular values S: rows of A and columns of B have equal norms, descending.
  for (const auto& a : adapters)
    for (std::size_t r = 0; r < a.a.size(); ++r) {
      double column = 0;
      for (const auto& row : a.b) column += row[r] * row[r];
      CHECK(reference::dot(a.a[r], a.a[r]) == Catch::Approx(column).epsilon(1e-12));
      if (r > 0) CHECK(reference::dot(a.a[r], a.a[r]) <= reference::dot(a.a[r - 1], a.a[r - 1]));
    }
  for (const auto& adapter : layer.up_proj.adapters) CHECK(filling_is_zero(adapter));
  // All languages start with the same adapter.
  CHECK(same_bits(layer.up_proj.adapters[0].lora_A, layer.up_proj.adapters[2].lora_A));
}

TEST_CASE("every adapter of a split FFN has correct gradients", "[train][gradient]") {
  auto layer = make_mole(dense_ffn<double>(12, 20), small);
  split_into_adapters(context, layer.base, layer);
  Draw draw("split gradient");
  auto x = random_matrix<double, Cpu<>>(draw, 10, 12);
  const std::vector<std::int32_t> languages = {0, 1, 2, -1, 0, 1, 2, -1, 0, 1};
  Batch batch = Batch::single(10);
  batch.languages = languages;
  check_layer_gradients(layer, x, batch, 0, component_bar);
}

TEST_CASE("layers that cannot hold the split are refused", "[train][misuse]") {
  using Ffn = SwiGlu<double, Cpu<>>;
  const auto dense = dense_ffn<double>(12, 20);
  const auto split = [&](Mole<double, Cpu<>> layer) { split_into_adapters(context, dense, layer); };
  const LanguageChoice two{.languages = 2};
  CHECK_THROWS_WITH(split(make_mole(Ffn(12, 19), small)),
                    "[split_into_adapters] the dense FFN is 12 wide with 20 inner channels, the layer 12 with 19");
  CHECK_THROWS_WITH(
      split({two, Ffn(12, 20), {{.rank = 2}, {.rank = 3}, {.rank = 4}, {.rank = 6}}}),
      "[split_into_adapters] the rank of the adapter for other rows must be the shared adapter's plus each "
      "language's, got 6, 4 and for language 1 3");
  CHECK_THROWS_WITH(
      split({two, Ffn(12, 20), {{.rank = 5}, {.rank = 5}, {.rank = 8}, {.rank = 13}}}),
      "[split_into_adapters] a projection has 12 singular components, the adapter for other rows takes 13");
  CHECK_THROWS_WITH(split({two, Ffn(12, 20), {{.rank = 1}, {.rank = 1, .scale = 0}, {.rank = 2}, {.rank = 3}}}),
                    "[split_into_adapters] scales must be above 0, adapter 1 has 0");
}

}  // namespace split_into_adapters_test
