#include "moe/routing/source/segment_sources.hpp"

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace segment_sources_test {

using namespace moe;
using namespace moe::testing;

namespace {
using Own = OwnMean<double, Cpu<>>;
using Previous = PreviousMean<double, Cpu<>>;
const CpuContext context{.threads = 2};
static_assert(Module<Own> && Module<Previous> && Previous::is_causal && !Own::is_causal);
/// Three sequences of 3, 1 and 2 segments.
const std::vector<Index> opens = {1, 0, 0, 1, 1, 0};
const View<const Index, Cpu<>> opens_1V(opens.data(), 1, 6);
}  // namespace

TEST_CASE("a segment is routed by its own mean", "[modules]") {
  Draw draw("own mean");
  const auto means = random_matrix<double, Cpu<>>(draw, 6, 3);
  Own source(3);
  CHECK(same_bits(source.forward(context, means.copy(), opens_1V), means));
  CHECK(same_bits(source.backward(context, means.copy(), opens_1V, source), means));
}

TEST_CASE("a segment is routed by the previous one's mean, a sequence's first by a learned vector",
          "[modules][gradient]") {
  Draw draw("previous mean");
  auto means = random_matrix<double, Cpu<>>(draw, 6, 3);
  const auto c = random_matrix<double, Cpu<>>(draw, 6, 3);
  Previous source(3);
  randomize(draw, source);
  const auto run = [&] { return source.forward(context, means.copy(), opens_1V); };
  const auto u = run();
  const std::vector<Index> read = {-1, 0, 1, -1, -1, 4};
  for (Index v = 0; v < 6; ++v)
    for (Index d = 0; d < 3; ++d) {
      const Index from = read[static_cast<std::size_t>(v)];
      CHECK(u.view()(v, d) == (from < 0 ? source.first_D.data()[d] : means.view()(from, d)));
    }
  Previous gradient = gradient_for(source);
  const auto d_means = source.backward(context, c.copy(), opens_1V, gradient);
  const auto loss = [&] { return inner(c, run()); };
  check_component_gradients("means", means, d_means, loss, component_bar);
  check_component_gradients("first_segment", source.first_D, gradient.first_D, loss, component_bar);
  Previous frozen = source.empty_tree();
  CHECK(same_bits(source.backward(context, c.copy(), opens_1V, frozen), d_means));
  CHECK(frozen.first_D.empty());
}

TEST_CASE("decoding uses the same routing vectors", "[modules]") {
  Draw draw("decoding source");
  Previous source(3);
  randomize(draw, source);
  const auto previous = random_matrix<double, Cpu<>>(draw, 2, 3);
  const std::vector<Index> first = {0, 1};
  const auto u = source.for_decoding(context, previous.view(), {first.data(), 1, 2});
  for (Index d = 0; d < 3; ++d) {
    CHECK(u.view()(0, d) == previous.view()(0, d));
    CHECK(u.view()(1, d) == source.first_D.data()[d]);
  }
}

}  // namespace segment_sources_test
