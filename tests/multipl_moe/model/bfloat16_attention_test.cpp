/// An attention layer of bfloat16, compared with one of float.
#include <string>
#include <vector>

#include "bfloat16_values.hpp"
#include "multipl_moe/model/attention.hpp"
#include "support/catch.hpp"

namespace bfloat16_attention_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::BFloat16;
using moe::Index;
using moe::testing::nmse;

namespace {

using B = moe::Cpu<>;
const moe::CpuContext& context = two_threads;

}  // namespace

TEST_CASE("attention on bfloat16 agrees with float, forward, backward and decoding", "[model][bfloat16]") {
  const bool has_norms = GENERATE(false, true);
  const Index window = GENERATE(0, 30);
  const Index width = 24;
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 8, .window = window};
  const AttentionParts parts{.has_bias = true, .has_norms = has_norms};
  Attention<BFloat16, B> attention(width, shape, parts);
  Attention<float, B> wide(width, shape, parts);
  draw_both(attention, wide);
  const moe::Batch batch = moe::Batch::ragged({70, 33});
  const auto x = drawn("x", 103, width), d_y = drawn("d_y", 103, width);
  auto [y, saved] = attention.forward(context, x, batch, attention.positions(context, batch));
  auto [wide_y, wide_saved] = wide.forward(context, as_float(x), batch, wide.positions(context, batch));
  CHECK(deviation(wide_y, y) < few_roundings);
  auto gradient = moe::accum_gradient_for(attention), wide_gradient = moe::gradient_for(wide);
  const auto d_x =
      attention.backward(context, d_y, x, batch, attention.positions(context, batch), std::move(saved), gradient);
  const auto wide_d_x = wide.backward(context, as_float(d_y), as_float(x), batch, wide.positions(context, batch),
                                      std::move(wide_saved), wide_gradient);
  CHECK(deviation(wide_d_x, d_x) < gradients);
  // The bias of keys has no gradient but rounding: softmax does not depend on a constant.
  moe::for_each_parameter(
      [&](const std::string& name, const auto& expected, const auto& found) {
        INFO(name);
        if (name != "k_proj.bias") CHECK(deviation(expected, found) < gradients);
      },
      wide_gradient, gradient);

  const moe::Batch one = moe::Batch::single(70), start = moe::Batch::single(40);
  auto cache = attention.begin_decoding(1);
  const auto first =
      attention.prefill(context, x.view().rows_between(0, 40), start, attention.positions(context, start), cache);
  const auto whole =
      attention.forward(context, x.view().rows_between(0, 70), one, attention.positions(context, one)).first;
  CHECK(nmse(numbers_of(whole), [&] {
          std::vector<double> numbers = numbers_of(first);
          for (Index t = 40; t < 70; ++t)
            for (const double number : numbers_of(attention.decode(context, x.view().rows_between(t, t + 1),
                                                                   attention.positions(context, cache), cache)))
              numbers.push_back(number);
          return numbers;
        }()) < few_roundings);
}

}  // namespace bfloat16_attention_test
