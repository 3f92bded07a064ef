/// Checks BlockAttention against TiledAttention in double, on any backend.
#pragma once

#include <vector>

#include "both_sides.hpp"
#include "multipl_moe/model/block_attention.hpp"
#include "multipl_moe/model/tiled_attention.hpp"

namespace multipl_moe::testing {

template <class Value, class B>
struct AttentionChecks {
  using Index = moe::Index;
  using Host = TiledAttention<double, moe::Cpu<>>;
  using Device = BlockAttention<Value, B>;
  using Sides = BothSides<Value, B>;

  static constexpr Index tile = 4;

  static void agree(const AttentionShape& shape, const std::vector<Index>& lengths) {
    INFO(shape.kv_heads << " key-value heads, window " << shape.window << ", " << lengths.size() << " sequences, first "
                        << lengths.front());
    Sides sides("attention in blocks");
    const moe::Batch batch = moe::Batch::ragged(lengths);
    const Index rows = batch.rows(), queries = shape.heads * shape.head_dim, keys = shape.kv_heads * shape.head_dim;
    const auto q = sides.drawn(rows, queries), k = sides.drawn(rows, keys), v = sides.drawn(rows, keys),
               d_o = sides.drawn(rows, queries);
    const Host host(shape, batch);
    const auto output = host.attend(sides.here(), q, k, v);
    const auto gradient = host.gradient(sides.here(), d_o, q, k, v, output);

    const auto q_there = sides.sent(q), k_there = sides.sent(k), v_there = sides.sent(v), d_o_there = sides.sent(d_o);
    const auto places = Device::places(sides.there(), batch);
    const auto of = [&](const BlockSizes& sizes) {
      const Device device(shape, batch, places, sizes);
      auto there = device.attend(sides.there(), q_there, k_there, v_there);
      auto d_there = device.gradient(sides.there(), d_o_there, q_there, k_there, v_there, there);
      return std::pair{std::move(there), std::move(d_there)};
    };
    const auto [found, d_found] = of({.tile = tile});
    sides.check("o", output.o_TA, found.o_TA);
    sides.check("lse", output.lse_TH, found.lse_TH);
    // A query of one key has no gradient but rounding: its only probability is 1.
    if (shape.window != 1 && batch.rows() > batch.count()) {
      sides.check("d_q", gradient.d_q_TA, d_found.d_q_TA);
      sides.check("d_k", gradient.d_k_TC, d_found.d_k_TC);
    }
    sides.check("d_v", gradient.d_v_TC, d_found.d_v_TC);

    const auto same = [&](const auto& a, const auto& b) {
      return moe::testing::same_bits(sides.fetched(a), sides.fetched(b));
    };
    // One sequence and key-value head at a time, and three key-value heads at a time.
    for (const Index bytes : {Index{1}, Index{3 * (8 + 2) * 64 * 13}}) {
      const auto [again, d_again] = of({.tile = tile, .scratch_bytes = bytes});
      CHECK(same(found.o_TA, again.o_TA));
      CHECK(same(found.lse_TH, again.lse_TH));
      CHECK(same(d_found.d_q_TA, d_again.d_q_TA));
      CHECK(same(d_found.d_k_TC, d_again.d_k_TC));
      CHECK(same(d_found.d_v_TC, d_again.d_v_TC));
    }
  }

  static void all() {
    for (const Index kv_heads : {1, 2, 4})
      for (const Index window : {0, 1, 3, 4, 5, 6, 9}) {
        const AttentionShape shape{.heads = 4, .kv_heads = kv_heads, .head_dim = 6, .window = window};
        for (const Index length : {1, 3, 4, 5, 8, 13}) agree(shape, {length});
        agree(shape, {5, 13, 0, 1, 8, 8});
      }
  }
};

}  // namespace multipl_moe::testing
