/// Checks the device form of the operations on rows against the host form in double, on any backend.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "both_sides.hpp"
#include "multipl_moe/model/rotary.hpp"
#include "multipl_moe/model/rows.hpp"

namespace multipl_moe::testing {

template <class Value, class B>
struct RowChecks {
  using Index = moe::Index;
  using Real = moe::Accum<Value>;
  using Device = DeviceRows<Value, B>;
  using Host = HostRows<double, moe::Cpu<>>;
  using Sides = BothSides<Value, B>;
  template <class Number>
  using Matrix = moe::Matrix<Number, B>;

  static void rms_norm() {
    Sides sides("rms norm on rows");
    for (const Index rows : {1, 3, 5, 130})
      for (const Index width : {1, 3, 4, 13, 64}) {
        INFO(rows << " x " << width);
        const auto x = sides.drawn(rows, width), w = sides.drawn(1, width), d_y = sides.drawn(rows, width),
                   before = sides.drawn(rows, width), d_w_before = sides.drawn(1, width);
        HostMatrix y(rows, width), scale(1, rows);
        auto d_x = before.copy(), d_w = d_w_before.copy();
        Host::rms_norm(sides.here(), x, w, 1e-5, y.view(), scale.view());
        Host::add_rms_norm_gradient(sides.here(), d_y, x, scale, w, d_x.view(), d_w.view());

        const auto x_there = sides.sent(x), w_there = sides.sent(w), d_y_there = sides.sent(d_y);
        auto y_there = Matrix<Value>::uninitialized(sides.there(), rows, width), d_x_there = sides.sent(before);
        auto scale_there = Matrix<Real>::uninitialized(sides.there(), 1, rows),
             d_w_there = sides.template sent<Real>(d_w_before);
        Device::rms_norm(sides.there(), x_there, w_there, 1e-5, y_there.view(), scale_there.view());
        sides.check("y", y, y_there);
        sides.check("scale", scale, scale_there);
        Device::add_rms_norm_gradient(sides.there(), d_y_there, x_there, scale_there, w_there, d_x_there.view(),
                                      d_w_there.view());
        sides.check("d_x", d_x, d_x_there);
        sides.check("d_w", d_w, d_w_there);
        // Without a gradient of the weight, which does not train.
        auto again = sides.sent(before);
        Device::add_rms_norm_gradient(sides.there(), d_y_there, x_there, scale_there, w_there, again.view(), {});
        sides.check("d_x of a frozen norm", d_x, again);
      }
  }

  static void turn() {
    Sides sides("turn rows");
    for (const Index head_dim : {2, 6, 8, 10}) {
      const Index heads = 3, rows = 7;
      RotaryTable<double> table(head_dim);
      RotaryFrequencies turns;
      for (Index i = 0; i < head_dim / 2; ++i) turns.frequency.push_back(1.0 / static_cast<double>(1 + 3 * i));
      table.add(turns, 2, 9);
      std::vector<Index> positions;
      for (Index t = 0; t < rows; ++t) positions.push_back((t * 5 + 1) % 9);
      HostMatrix angles(9, head_dim);
      std::copy_n(table.data(), angles.size(), angles.data());
      const auto at = moe::upload_indices<moe::Cpu<>>(sides.here(), positions);
      const auto x = sides.drawn(rows, heads * head_dim);
      for (const int direction : {1, -1}) {
        auto y = x.copy();
        Host::turn(sides.here(), y.view(), angles, at, direction);
        auto y_there = sides.sent(x);
        Device::turn(sides.there(), y_there.view(), sides.template sent<Real>(angles),
                     moe::upload_indices<B>(sides.there(), positions), static_cast<Real>(direction));
        sides.check("turned", y, y_there);
      }
    }
  }

  static void sums_and_copies() {
    Sides sides("sums and copies of rows");
    for (const Index rows : {1, 8, 70})
      for (const Index width : {1, 5, 16}) {
        const auto a = sides.drawn(rows, width), b = sides.drawn(rows, width), table = sides.drawn(6, width);
        const auto tokens = sides.tokens(rows, 6);
        auto sum = a.copy();
        Host::add(sides.here(), b, sum.view());
        auto sum_there = sides.sent(a);
        Device::add(sides.there(), sides.sent(b), sum_there.view());
        sides.check("sum", sum, sum_there);
        Device::copy(sides.there(), sides.sent(b), sum_there.view());
        CHECK(moe::testing::same_bits(sides.fetched(sum_there), b));

        HostMatrix x(rows, width);
        Host::take(sides.here(), table, tokens, x.view());
        auto x_there = Matrix<Value>::uninitialized(sides.there(), rows, width);
        Device::take(sides.there(), sides.sent(table), tokens, x_there.view());
        CHECK(moe::testing::same_bits(sides.fetched(x_there), x));

        // The same sums in the same order: the same bits as the host form in the same type.
        const auto before = sides.drawn(6, width);
        using Same = HostRows<Real, moe::Cpu<>>;
        const auto real = [](const HostMatrix& from) {
          moe::Matrix<Real, moe::Cpu<>> to(from.rows(), from.cols());
          for (Index i = 0; i < from.size(); ++i) to.data()[i] = static_cast<Real>(from.data()[i]);
          return to;
        };
        auto d_w = real(before);
        Same::add_by_token(sides.here(), real(a), tokens, d_w.view());
        auto d_w_there = sides.template sent<Real>(before);
        Device::add_by_token(sides.there(), sides.sent(a), tokens, d_w_there.view());
        CHECK(moe::testing::values_of(d_w) == moe::testing::values_of(sides.fetched(d_w_there)));
      }
  }

  static void losses() {
    Sides sides("losses of rows");
    for (const Index rows : {1, 4, 13})
      for (const Index vocabulary : {1, 5, 19, 64})
        for (const Index piece : {3, 4, 8, 100}) {
          INFO(rows << " rows, vocabulary " << vocabulary << ", pieces of " << piece);
          auto logits = moe::testing::random_matrix<double, moe::Cpu<>>(sides.draw(), rows, vocabulary, 3);
          // The largest logit twice: the lower token counts.
          if (vocabulary > 7) logits.view()(0, 2) = logits.view()(0, 6) = 20;
          auto tokens = sides.tokens(rows, static_cast<std::int32_t>(vocabulary));
          if (vocabulary > 7) tokens[0] = static_cast<std::int32_t>(rows % 2 == 0 ? 2 : 6);
          const std::vector<Index> targets(tokens.begin(), tokens.end());
          const auto target = moe::upload_indices<moe::Cpu<>>(sides.here(), targets);
          const auto target_there = moe::upload_indices<B>(sides.there(), targets);
          HostMatrix loss(1, rows), loss_again(1, rows);
          moe::Matrix<Index, moe::Cpu<>> hit(1, rows);
          auto scored = logits.copy();
          Host::score(sides.here(), scored.view(), target, loss.view(), hit.view());
          const auto d_logits = Host::loss_gradient(sides.here(), logits.copy(), target, 0.25, loss_again.view());

          auto loss_there = Matrix<double>::uninitialized(sides.there(), 1, rows);
          auto hit_there = Matrix<Index>::uninitialized(sides.there(), 1, rows);
          auto logits_there = sides.template sent<Real>(logits);
          Device::score(sides.there(), logits_there, target_there, loss_there.view(), hit_there.view(), piece);
          check_losses(sides, loss, loss_there);
          std::vector<Index> hits(static_cast<std::size_t>(rows));
          B::download(sides.there(), hit_there.const_view(), hits.data());
          CHECK(hits == std::vector<Index>(hit.data(), hit.data() + rows));
          const auto d_there = Device::loss_gradient(sides.there(), std::move(logits_there), target_there, 0.25,
                                                     loss_there.view(), piece);
          check_losses(sides, loss, loss_there);
          sides.check("d_logits", d_logits, d_there);
        }
  }
  /// Of a loss near 0 only the difference from 0 has digits.
  static void check_losses(const Sides& sides, const HostMatrix& expected, const Matrix<double>& found) {
    const auto there = sides.fetched(found);
    for (Index r = 0; r < expected.cols(); ++r)
      CHECK(std::abs(there.data()[r] - expected.data()[r]) <=
            10 * moe::testing::Tolerance<Real>::relative * std::max(1.0, expected.data()[r]));
  }

  static void extreme_logits() {
    Sides sides("extreme logits");
    const double infinite = std::numeric_limits<double>::infinity(), unknown = std::nan("");
    HostMatrix logits(4, 8);
    for (Index v = 0; v < 8; ++v) {
      logits.view()(0, v) = v < 4 ? -infinite : 1;      // a whole piece without probability
      logits.view()(1, v) = v == 6 ? unknown : -1;      // not a number
      logits.view()(2, v) = v == 1 ? 3e4 : -3e4;        // exponents that overflow
      logits.view()(3, v) = v == 5 ? -1e4 : -infinite;  // all the probability far below 0
    }
    const std::vector<Index> targets{7, 0, 1, 5};
    auto loss_there = Matrix<double>::uninitialized(sides.there(), 1, 4);
    Device::loss_gradient(sides.there(), sides.template sent<Real>(logits),
                          moe::upload_indices<B>(sides.there(), targets), 1, loss_there.view(), 4);
    const auto loss = sides.fetched(loss_there);
    CHECK(loss.data()[0] == Catch::Approx(std::log(4.0)));
    CHECK(std::isnan(loss.data()[1]));
    CHECK(std::abs(loss.data()[2]) < 1e-6);
    CHECK(std::abs(loss.data()[3]) < 1e-6);
  }

  /// Decodes several sequences, one token after the other, with the device form and the host form.
  static void decode() {
    Sides sides("decoded rows");
    for (const Index window : {0, 5})
      for (const Index kv_heads : {1, 2, 4}) {
        INFO("window " << window << ", " << kv_heads << " key-value heads");
        const Index heads = 4, head_dim = 6, width = kv_heads * head_dim, room = window > 0 ? window : 16;
        // Lengths before the first token.
        std::vector<Index> lengths{0, 3, 11};
        const auto count = static_cast<Index>(lengths.size());
        std::vector<HostMatrix> k, v;
        std::vector<Matrix<Value>> k_there, v_there;
        for (Index b = 0; b < count; ++b) {
          k.push_back(sides.drawn(room, width));
          v.push_back(sides.drawn(room, width));
          k_there.push_back(sides.sent(k.back()));
          v_there.push_back(sides.sent(v.back()));
        }
        for (int step = 0; step < 4; ++step) {
          const auto q = sides.drawn(count, heads * head_dim), new_k = sides.drawn(count, width),
                     new_v = sides.drawn(count, width);
          std::vector<CachedTokens<double>> cached;
          std::vector<CachedTokens<Value>> cached_there;
          for (std::size_t b = 0; b < lengths.size(); ++b) {
            ++lengths[b];
            cached.push_back({k[b].data(), v[b].data(), width, lengths[b], window});
            cached_there.push_back({k_there[b].data(), v_there[b].data(), width, lengths[b], window});
          }
          HostMatrix o(count, heads * head_dim);
          Host::decode(sides.here(), q, new_k, new_v, cached, kv_heads, o.view());
          auto o_there = Matrix<Value>::uninitialized(sides.there(), count, heads * head_dim);
          Device::decode(sides.there(), sides.sent(q), sides.sent(new_k), sides.sent(new_v), cached_there, kv_heads,
                         o_there.view(), step % 2 == 0 ? 4 : 128);
          sides.check("o", o, o_there);
        }
      }
  }

  static void all() {
    rms_norm();
    turn();
    sums_and_copies();
    losses();
    extreme_logits();
    decode();
  }
};

}  // namespace multipl_moe::testing
