/// Random valid and invalid arguments for the public functions of layers: a call returns a result if its arguments are
/// valid and throws Error if they are not, and the layer's output is unchanged afterwards. Meant to run under the
/// address and undefined-behavior sanitizers, which detect the memory errors that a missing check would allow.
#include <tuple>

#include "compiled_layers/compiled_layers.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"
#include "support/wrong_arguments.hpp"

namespace layers_any_arguments_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Tensor = Matrix<double, B>;
using Ffn = SwiGlu<double, B>;
const CpuContext context{.threads = 1};

/// The numbers that shape a layer's trees, results and states.
struct Shape {
  Index experts = 1, width = 1, hidden = 1, architecture = 0;
  friend bool operator==(const Shape&, const Shape&) = default;
};

template <class Layer>
Shape any_shape(Draw& draw) {
  Shape shape{draw.between(1, 4), draw.between(1, 5), draw.between(1, 5), 0};
  if constexpr (std::is_same_v<Layer, Ffn>) shape.experts = 1;
  if constexpr (std::is_same_v<Layer, AnyLayer<double, B>>) shape.architecture = draw.between(0, 2);
  return shape;
}

template <class Layer>
Layer make(const Shape& s) {
  if constexpr (std::is_same_v<Layer, Ffn>) {
    return Ffn(s.width, s.hidden);
  } else if constexpr (std::is_same_v<Layer, Mole<double, B>>) {
    return make_mole(Ffn(s.width, s.hidden), {.languages = s.experts, .language_rank = 1, .shared_rank = 2});
  } else if constexpr (std::is_same_v<Layer, AnyLayer<double, B>>) {
    const std::vector<std::string> names = {"mixtral", "causal-multipl-moe", "mole"};
    Composition c{.architecture = names[static_cast<std::size_t>(s.architecture)]};
    c.settings = {.width = s.width,
                  .hidden = s.hidden,
                  .token_experts = s.experts,
                  .segment_experts = s.experts,
                  .k = 1,
                  .window = 2};
    c.mole = {.languages = s.experts, .language_rank = 1, .shared_rank = 2};
    return Registry<double, B>().make(c);
  } else {
    return build<Layer>({.width = s.width,
                         .hidden = s.hidden,
                         .experts = s.experts,
                         .k = std::min<Index>(2, s.experts),
                         .capacity_factor = 1});
  }
}
template <class Layer>
Layer drawn(Draw& draw, const Shape& shape) {
  Layer layer = make<Layer>(shape);
  randomize(draw, layer);
  return layer;
}

/// A gradient tree of this shape or another one, in which some weights may be frozen.
template <class Layer>
struct AnyGradient {
  Layer tree;
  Verdict verdict;
};
template <class Layer>
AnyGradient<Layer> any_gradient(Draw& draw, const Shape& own) {
  const Shape shape = draw.one_in(3) ? any_shape<Layer>(draw) : own;
  const bool freezes = draw.one_in(3);
  auto tree = gradient_for(make<Layer>(shape), [&](const std::string&) { return !freezes || draw.one_in(2); });
  // A tree fits if all tensors of other shapes are frozen.
  return {std::move(tree), shape == own ? Verdict::right : freezes ? Verdict::either : Verdict::wrong};
}

/// Assigns a value that may be invalid to one of the layer's parts.
template <class Layer>
Verdict disturb(Draw& draw, Layer& layer) {
  if constexpr (requires { layer.token; }) {
    if (draw.one_in(2)) return disturb(draw, layer.token);
    return disturb(draw, layer.segment);
  } else if constexpr (requires { layer.bank; }) {
    const Index experts = layer.bank.count();
    auto& expert = layer.bank.experts[static_cast<std::size_t>(draw.between(0, experts - 1))];
    switch (draw.between(0, 4)) {
      case 0:
        layer.bank.experts.pop_back();
        return Verdict::wrong;
      case 1: {
        const Index hidden = draw.between(1, 5);
        const bool same = hidden == expert.hidden();
        expert.up_proj = Tensor(hidden, layer.width());
        return right_if(same);
      }
      case 2:
        if constexpr (requires { layer.routing.router.k; }) {
          const Index k = draw.between(-1, 6);
          layer.routing.router.k = k;
          return right_if(k >= 1 && k <= experts);
        }
        return Verdict::right;
      case 3:
        if constexpr (requires { layer.routing.capacity.factor; }) {
          const double factor = layer.routing.capacity.factor = any_number(draw);
          const bool may_be_0 = requires { layer.routing.capacity.minimum; };
          return right_if(factor > 0 || (may_be_0 && factor == 0));
        }
        return Verdict::right;
      default:
        if constexpr (requires { layer.routing.segmenter.window; }) {
          layer.routing.segmenter.window = draw.between(-1, 3);
          return right_if(layer.routing.segmenter.window >= 1);
        }
        return Verdict::right;
    }
  } else if constexpr (requires { layer.gate_proj.adapters; }) {
    layer.router.languages = draw.between(-1, 5);
    return right_if(layer.router.experts() == layer.adapters() && layer.router.languages >= 0);
  } else {
    return Verdict::right;
  }
}

/// Whether the layer decodes; AnyLayer reports it at run time.
template <class Layer>
inline constexpr bool decodes = true;
template <class Layer>
requires(!std::is_same_v<Layer, AnyLayer<double, B>>) inline constexpr bool decodes<Layer> = Layer::is_causal;

/// Whether the decoding state has an entry for each sequence.
template <class Layer>
constexpr bool keeps_sequences(const Layer&) {
  return requires(typename Layer::DecodingState state) { state.length; }
  || requires(typename Layer::DecodingState state) { state.segment.length; };
}

template <class Layer>
void decode_anything(Draw& draw, const Layer& layer, const Shape& own, Verdict is_whole) {
  constexpr bool is_any = std::is_same_v<Layer, AnyLayer<double, B>>;
  const Shape shape = draw.one_in(4) ? any_shape<Layer>(draw) : own;
  const Layer other = make<Layer>(shape);
  Index count = draw.one_in(12) ? -1 : draw.between(0, 4);
  if constexpr (decodes<Layer>) {
    typename Layer::DecodingState state;
    const bool began = attempt(is_any ? Verdict::either : right_if(count >= 0), "begin_decoding",
                               [&] { state = other.begin_decoding(context, count); });
    // A state does not depend on the inner channels, and it is empty for layers without an entry for each sequence.
    const bool has_state = keeps_sequences(layer) || is_any;
    const bool agrees = shape.width == own.width && shape.experts == own.experts;
    Verdict is_own = right_if(!has_state || (began && agrees));
    if (is_any && began) is_own = right_if(shape.architecture == own.architecture) & Verdict::either;
    for (int step = 0; step < 3; ++step) {
      const Index rows = draw.one_in(6) ? draw.between(0, 5) : std::max<Index>(count, 0);
      const Rows x = any_rows(draw, rows, own.width);
      const Ids tokens = any_ids(draw, x.rows);
      Verdict counts = keeps_sequences(layer) ? right_if(x.rows == count) : Verdict::right;
      if (is_any && x.rows != count) counts = Verdict::either;
      const Verdict verdict = is_whole & is_own & counts & x.fits(own.width) & tokens.verdict;
      switch (draw.between(0, 3)) {
        case 0: {
          const std::vector<Index> kept = {draw.between(-1, 4)};
          const bool is_there = kept[0] >= 0 && kept[0] < count;
          const bool keeps = attempt(is_any                   ? Verdict::either
                                     : keeps_sequences(layer) ? right_if(is_there)
                                                              : Verdict::right,
                                     "keep", [&] { state.keep(context, kept); });
          if (keeps && began) count = 1;
          break;
        }
        case 1: {
          const AnyBatch batch = any_batch(draw, x.rows);
          Verdict sequences = is_any ? Verdict::either : Verdict::right;
          if (keeps_sequences(layer)) sequences = right_if(batch.batch.count() == count);
          attempt(is_whole & is_own & x.fits(own.width) & batch.verdict & sequences, "prefill", [&] {
            const Tensor y = layer.prefill(context, x.view(), batch.batch, state);
            CHECK((y.rows() == x.rows && y.cols() == own.width));
          });
          break;
        }
        default:
          attempt(verdict, "decode", [&] {
            const Tensor y = layer.decode(context, x.view(), tokens.values, state);
            CHECK((y.rows() == x.rows && y.cols() == own.width));
          });
      }
    }
  }
}

template <class Layer>
void train_with_anything(Draw& draw, Layer& layer, const Shape& own, Verdict is_whole) {
  const Shape shape = draw.one_in(4) ? any_shape<Layer>(draw) : own;
  const Layer other = drawn<Layer>(draw, shape);
  const Index rows = draw.between(0, 6);
  Rows x = any_rows(draw, rows, shape.width);
  x.is_null = x.is_null && x.rows * x.cols != 0;
  const AnyBatch batch = any_batch(draw, x.rows);
  // Saved by this layer, or by another one of its type.
  const bool by_own = shape == own && draw.one_in(2);
  const Layer& maker = by_own ? layer : other;
  const Verdict forward_is = (by_own ? is_whole : Verdict::right) & x.fits(shape.width) & batch.verdict;
  attempt(forward_is, "forward", [&] {
    auto run = maker.forward(context, x.view(), batch.batch);
    CHECK((run.output.rows() == x.rows && run.output.cols() == shape.width));
    Verdict saved_is = right_if(shape == own);
    for (int time = 0; time < 2; ++time) {
      auto gradient = any_gradient<Layer>(draw, own);
      const Rows d_y = any_rows(draw, x.rows, own.width);
      const AuxiliaryGradient d{.balance = draw.one_in(8) ? any_number(draw) : 0.1, .z = 0};
      const bool came = attempt(is_whole & saved_is & gradient.verdict & d_y.fits(own.width) &
                                    right_if(d_y.rows == x.rows && std::isfinite(d.balance)),
                                "backward", [&] {
                                  const Tensor d_x =
                                      layer.backward(context, d_y.view(), d, std::move(run.saved), gradient.tree);
                                  CHECK((d_x.rows() == x.rows && d_x.cols() == own.width));
                                });
      // The first call consumes `saved`; AnyLayer takes it by value and consumes it also when it throws.
      if (came || std::is_same_v<Layer, AnyLayer<double, B>>) saved_is = Verdict::wrong;
    }
    // A layer need not check stats that it does not learn from.
    attempt(shape == own && is_whole == Verdict::right ? Verdict::right : Verdict::either, "update_buffers",
            [&] { layer.update_buffers(context, run.stats); });
  });
}

using Layers =
    std::tuple<Mixtral<double, B>, Qwen15Moe<double, B>, GShardMoe<double, B>, Dropping<double>,
               DeepSeekV3Moe<double, B>, SegmentByPreviousMean<double>, SegmentLiteral<double>, SegmentDropping<double>,
               CausalMultiPlMoe<double, B>, CausalMultiPlMoe<double, B, ChannelFusion<double, B>>, Mole<double, B>, Ffn,
               AnyLayer<double, B>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("a layer accepts valid arguments and refuses invalid ones", "[layers][misuse]", Layers) {
  for_each_case("any arguments", 200, [](Draw& draw) {
    const Shape own = any_shape<TestType>(draw);
    auto layer = drawn<TestType>(draw, own);
    const auto x_TD = random_matrix<double, B>(draw, 4, own.width);
    const auto before = layer.infer(context, x_TD, Batch::single(4));
    const bool disturbs = draw.one_in(4);
    const Verdict is_whole = disturbs ? disturb(draw, layer) : Verdict::right;

    const Rows x = any_rows(draw, draw.between(0, 6), own.width);
    const AnyBatch batch = any_batch(draw, x.rows);
    const Verdict verdict = is_whole & x.fits(own.width) & batch.verdict;
    attempt(verdict, "infer", [&] {
      const Tensor y = layer.infer(context, x.view(), batch.batch);
      CHECK((y.rows() == x.rows && y.cols() == own.width));
    });
    decode_anything(draw, layer, own, is_whole);
    if (!disturbs) CHECK(same_bits(layer.infer(context, x_TD, Batch::single(4)), before));
    train_with_anything(draw, layer, own, is_whole);
  });
}

}  // namespace layers_any_arguments_test
