#include "moe/routing/segmenter/syntax_window.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "moe/routing/steps/segment.hpp"
#include "moe/train/initialize.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace syntax_window_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
static_assert(StatefulSegmenter<SyntaxWindow> && !PlainSegmenter<SyntaxWindow>);

/// A text in tokens, and the table of its vocabulary.
struct Tokens {
  std::vector<std::int32_t> ids;
  Matrix<double, B> table;
  explicit Tokens(const std::vector<std::string>& texts) {
    std::map<std::string, std::int32_t> known;
    for (const auto& text : texts)
      ids.push_back(known.emplace(text, static_cast<std::int32_t>(known.size())).first->second);
    table = Matrix<double, B>(static_cast<Index>(known.size()), SyntaxWindow::features);
    for (const auto& [text, id] : known) {
      const auto numbers = SyntaxWindow::syntax_of(text);
      for (Index f = 0; f < SyntaxWindow::features; ++f)
        table.view()(id, f) = static_cast<double>(numbers[static_cast<std::size_t>(f)]);
    }
  }
};

std::vector<Index> begins(const SyntaxWindow& segmenter, const Tokens& tokens) {
  Batch batch = Batch::single(static_cast<Index>(tokens.ids.size()));
  batch.tokens = tokens.ids;
  const auto features = features_of_tokens<double, B>(CpuContext{}, tokens.table.const_view(), batch.tokens);
  std::vector<SyntaxWindow::State> states;
  return cut_into_segments(segmenter, batch, features, states).begin;
}

}  // namespace

TEST_CASE("a token's syntax is read from its text", "[routing]") {
  using Numbers = std::array<float, 5>;
  CHECK(SyntaxWindow::syntax_of("f(x)[") == Numbers{0, 0, 0, 0, 0});
  CHECK(SyntaxWindow::syntax_of(")(}") == Numbers{1, 0, 0, 0, 0});
  CHECK(SyntaxWindow::syntax_of("  \t x") == Numbers{0, 7, 0, 0, 0});
  CHECK(SyntaxWindow::syntax_of(";\n    ") == Numbers{0, 0, 4, 1, 1});
  CHECK(SyntaxWindow::syntax_of("\n  }") == Numbers{1, 0, 2, 1, 0});
  CHECK(SyntaxWindow::syntax_of("   ") == Numbers{0, 3, 0, 0, 1});
  CHECK(SyntaxWindow::syntax_of("") == Numbers{0, 0, 0, 0, 1});
}

TEST_CASE("a window ends after a closing bracket", "[routing]") {
  const Tokens tokens({"f", "(", "x", ")", ";", " g", "[", "{", "1", "}", "]", ";"});
  CHECK(begins({.minimum = 1, .maximum = 100}, tokens) == std::vector<Index>{0, 4, 10, 11, 12});
  // With a minimum of five rows, the cuts at 4 and 11 come too early.
  CHECK(begins({.minimum = 5, .maximum = 100}, tokens) == std::vector<Index>{0, 10, 12});
  CHECK(begins({.minimum = 5, .maximum = 6}, tokens) == std::vector<Index>{0, 6, 11, 12});
}

TEST_CASE("a window ends before a line with less indentation, however white space is tokenized", "[routing]") {
  // def f:
  //     if x:
  //         y
  //
  //     z
  // w
  const Tokens tokens(
      {"def", " f", ":", "\n", "   ", " if", " x", ":", "\n       ", " y", "\n\n", "   ", " z", "\n", "w"});
  CHECK(begins({.minimum = 1, .maximum = 100}, tokens) == std::vector<Index>{0, 12, 14, 15});
  const Tokens whole({"def", ":", "\n    ", "if", "\n        ", "y", "\n    ", "z", "\n", "w"});
  CHECK(begins({.minimum = 1, .maximum = 100}, whole) == std::vector<Index>{0, 7, 9, 10});
}

TEST_CASE("without tokens windows have the maximum length, and a token outside the table is refused", "[routing]") {
  const Batch blind = Batch::ragged({13, 0, 6});
  std::vector<SyntaxWindow::State> states;
  CHECK(cut_into_segments(SyntaxWindow{.minimum = 1, .maximum = 4}, blind, {}, states).begin ==
        cut_into_segments(FixedWindow{.window = 4}, blind).begin);
  CHECK(states.size() == 3);
  Tokens tokens({"f", "(", ")"});
  tokens.ids[1] = 3;
  CHECK_THROWS_WITH(begins({}, tokens), Catch::Matchers::Contains("table has 3 tokens, the batch has token 3"));
  tokens.ids[1] = -1;
  CHECK(begins({.minimum = 1}, tokens) == std::vector<Index>{0, 3});
}

TEST_CASE("decoding with syntax windows matches infer from any row on, while sequences join and leave",
          "[routing][layers]") {
  const CpuContext context{.threads = 2};
  const Tokens tokens({"def",  " f",  ":",  "\n", "   ", " if", " (", "x", ")", ":",  "\n       ", " y",
                       "\n\n", "   ", " z", "\n", "w",   "(",   "[",  "]", ")", "\n", "v"});
  const Index rows = static_cast<Index>(tokens.ids.size());
  Draw draw("syntax windows");
  SegmentMoE layer(SyntaxWindow{.minimum = 2, .maximum = 7}, PreviousMean<double, B>(6), TopK{.k = 2},
                   SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<double, B>>(4, 6, 8));
  STATIC_REQUIRE(decltype(layer)::is_causal);
  randomize(draw, layer);
  layer.routing.table_VF = tokens.table.copy();
  const auto x_TD = random_matrix<double, B>(draw, rows, 6);
  Batch batch = Batch::single(rows);
  batch.tokens = tokens.ids;
  const auto whole = layer.infer(context, x_TD, batch);
  CHECK(layer.routing.route<Inference>(context, x_TD.view(), batch).saved.cut.segments.count() > 5);
  for (const Index first : {Index{0}, Index{1}, Index{8}, rows - 1}) {
    auto state = layer.begin_decoding(context, 1);
    Batch start = Batch::single(first);
    start.tokens = std::span(tokens.ids).first(static_cast<std::size_t>(first));
    layer.prefill(context, x_TD.view().rows_between(0, first), start, state);
    // A second sequence, of other tokens, joins and leaves.
    auto other = layer.begin_decoding(context, 1);
    layer.decode(context, x_TD.view().rows_between(3, 4), std::span(tokens.ids).subspan(8, 1), other);
    other.join(context, state);
    const std::vector<Index> second{1};
    other.keep(context, second);
    for (Index t = first; t < rows; ++t) {
      const auto y = layer.decode(context, x_TD.view().rows_between(t, t + 1),
                                  std::span(tokens.ids).subspan(static_cast<std::size_t>(t), 1), other);
      INFO("from " << first << ", row " << t);
      CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) <=
            Tolerance<double>::relative);
    }
  }
}

TEST_CASE("the token table is a buffer of the layer, and a table of another width is refused", "[routing][layers]") {
  SegmentMoE layer(SyntaxWindow{}, PreviousMean<double, B>(6), TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{},
                   ExpertBank<SwiGlu<double, B>>(4, 6, 8));
  std::vector<std::string> names;
  for_each_buffer([&](const std::string& name, const auto&) { names.push_back(name); }, layer);
  CHECK(names == std::vector<std::string>{"token_table"});
  layer.routing.table_VF = Matrix<double, B>(10, 3);
  CHECK_THROWS_WITH(layer.infer(CpuContext{}, Matrix<double, B>(2, 6), Batch::single(2)),
                    Catch::Matchers::Contains("table must have 5 numbers per token, got 3"));
}

}  // namespace syntax_window_test
