#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/random.hpp"
#include "moe/core/require.hpp"
#include "moe/experts/lora_adapter.hpp"
#include "moe/experts/lora_linear.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/ops/add.hpp"
#include "moe/train/initialize.hpp"

namespace moe {

/// Fills a view with numbers uniform in (-bound, bound). The values depend on seed, name and position only.
template <class Value, class B>
void draw_uniform(const typename B::Context& context, View<Value, B> values, std::uint64_t seed, std::string_view name,
                  double bound) {
  std::vector<Value> drawn(static_cast<std::size_t>(values.size()));
  const RandomKey key = weight_key(seed, name);
  detail::fill_on_host<B>(context, std::span(drawn),
                          [&](std::uint64_t i) { return bound * (2 * random_uniform(key, i) - 1); });
  B::upload(context, drawn.data(), values);
}

/// Initializes an adapter as peft does: B = 0, so that the adapter's output is 0 at first, and A uniform in +-1/sqrt(I)
/// (Kaiming uniform with a = sqrt(5)). Padding rows of A stay 0. `name` is the prefix of the name of A, on which the
/// values depend. Throws Error if A has fewer rows than the adapter's rank, as for a frozen adapter in a gradient tree.
template <class Value, class B>
void draw_adapters(const typename B::Context& context, LoraAdapter<Value, B>& adapter, std::uint64_t seed,
                   const std::string& name = {}) {
  require(adapter.rank() >= 0 && adapter.rank() <= adapter.lora_A.rows(), "draw_adapters",
          "an adapter must have at least as many rows as its rank, got ", adapter.lora_A.rows(), " and ",
          adapter.rank());
  set_to_zero(context, adapter.lora_A.view());
  set_to_zero(context, adapter.lora_B.view());
  draw_uniform(context, adapter.lora_A.view().rows_between(0, adapter.rank()), seed, name + "lora_A.weight",
               1 / std::sqrt(static_cast<double>(adapter.in())));
}

/// The same for the adapter of a Linear.
template <class Value, class B>
void draw_adapters(const typename B::Context& context, LoraLinear<Value, B>& linear, std::uint64_t seed,
                   const std::string& name = {}) {
  draw_adapters(context, linear.adapter, seed, name);
}

/// The same for every adapter of a bank; all adapters get different values.
template <class Value, class B>
void draw_adapters(const typename B::Context& context, AdapterBank<Value, B>& bank, std::uint64_t seed,
                   const std::string& name = {}) {
  for (std::size_t e = 0; e < bank.adapters.size(); ++e)
    draw_adapters(context, bank.adapters[e], seed, name + AdapterBank<Value, B>::infix(bank.adapters.size(), e));
}

/// The same for every adapter of an FFN.
template <class R, class Value, class B>
void draw_adapters(const typename B::Context& context, LoraFfn<R, Value, B>& layer, std::uint64_t seed,
                   const std::string& name = {}) {
  draw_adapters(context, layer.gate_proj, seed, name + "gate_proj.");
  draw_adapters(context, layer.up_proj, seed, name + "up_proj.");
  draw_adapters(context, layer.down_proj, seed, name + "down_proj.");
}

}  // namespace moe
