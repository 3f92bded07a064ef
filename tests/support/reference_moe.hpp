/// The reference: the equations of every layer as plain loops in double, without code of the library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

namespace moe::testing::reference {

using Vector = std::vector<double>;
using Rows = std::vector<Vector>;

enum class Activation { silu, gelu, gelu_tanh, relu, relu_squared };
/// Without gate: down activation(up x); biases may be empty.
struct Ffn {
  Rows gate, up, down;  // [out][in]
  Activation activation = Activation::silu;
  Vector gate_bias{}, up_bias{}, down_bias{};
};
enum class Select { top_k, shared_top_k, expert_choice, threshold };
enum class Gates { softmax_over_all, softmax_over_chosen };

/// One level of a layer: its experts and how they are selected.
struct Level {
  Rows gate;  // [expert][width]
  std::vector<Ffn> experts;
  Select select = Select::top_k;
  Gates gates = Gates::softmax_over_all;
  std::size_t k = 1, shared = 0;
  double capacity_factor = -1;  // below 0: unlimited
  std::size_t cap = 0;          // largest number of experts per row; 0: unlimited
  double drop_factor = -1;      // below 0: nothing is dropped
  std::size_t drop_minimum = 0;
  bool normalize_after_dropping = false;
  Vector thresholds;
};
struct SharedFfn {
  Ffn ffn;
  Vector gate;
};
struct Windows {
  std::size_t window = 1, minimum = 1;
  int boundary = -1;  // the token after which a window may end early
  bool previous = false, max_pool = false, pooled_input = false;
  Vector first;
};
/// Gates, 0 for experts that are not selected, and the margin of the closest decision.
struct Decided {
  Rows gates;
  std::vector<std::vector<bool>> chosen, kept;
  double z_loss = 0;
  double margin = std::numeric_limits<double>::infinity();
};
struct Output {
  Rows y;
  Vector mass;
  Decided decided;
};

inline double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }
inline Vector product(const Rows& w, const Vector& x) {
  Vector y;
  for (const Vector& row : w) y.push_back(dot(row, x));
  return y;
}
inline double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

inline double activated(Activation activation, double z) {
  const double pi = std::acos(-1.0);
  switch (activation) {
    case Activation::silu:
      return z * sigmoid(z);
    case Activation::gelu:
      return z / 2 * (1 + std::erf(z / std::sqrt(2.0)));
    case Activation::gelu_tanh:
      return z / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (z + 0.044715 * z * z * z)));
    case Activation::relu:
      return std::max(z, 0.0);
    default:
      return std::max(z, 0.0) * std::max(z, 0.0);
  }
}
inline Vector layer(const Rows& w, const Vector& bias, const Vector& x) {
  Vector y = product(w, x);
  for (std::size_t i = 0; i < bias.size(); ++i) y[i] += bias[i];
  return y;
}
inline Vector ffn(const Ffn& f, const Vector& x) {
  const Vector b = layer(f.up, f.up_bias, x);
  Vector h = f.gate.empty() ? b : layer(f.gate, f.gate_bias, x);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] = activated(f.activation, h[i]) * (f.gate.empty() ? 1 : b[i]);
  return layer(f.down, f.down_bias, h);
}

/// Softmax over the entries for which `counts` is true; the others are 0.
inline Vector softmax(const Vector& z, const std::vector<bool>& counts) {
  double best = -std::numeric_limits<double>::infinity(), total = 0;
  for (std::size_t e = 0; e < z.size(); ++e)
    if (counts[e]) best = std::max(best, z[e]);
  Vector s(z.size(), 0.0);
  for (std::size_t e = 0; e < z.size(); ++e)
    if (counts[e]) total += s[e] = std::exp(z[e] - best);
  for (double& value : s) value = total > 0 ? value / total : 0;
  return s;
}

/// The indices of the `take` largest values, the lower index first among equal values. `margin` is lowered to the
/// margin of this decision. Equal values do not count as close, since equal inputs give equal values and the index
/// decides; the margin is the distance to the values next to them.
inline std::vector<std::size_t> largest(const Vector& values, std::size_t take, double& margin) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] > values[b]; });
  take = std::min(take, order.size());
  if (take > 0 && take < order.size()) {
    const double in = values[order[take - 1]], out = values[order[take]];
    if (in > out) margin = std::min(margin, in - out);
    for (std::size_t i = 0; in == out && i < values.size(); ++i)
      if (values[i] != in) margin = std::min(margin, std::abs(values[i] - in));
  }
  order.resize(take);
  return order;
}

inline std::size_t rows_per_expert(const Level& level, std::size_t rows) {
  if (level.capacity_factor < 0 || rows == 0) return rows;
  const double share =
      std::floor(static_cast<double>(rows) * level.capacity_factor / static_cast<double>(level.gate.size()));
  return std::min(rows, std::max(std::size_t{1}, static_cast<std::size_t>(share)));
}

/// Keeps for each expert as many rows as its capacity: by choice order, then by row.
inline void drop(const Level& level, const std::vector<std::vector<std::size_t>>& rank,
                 std::vector<std::vector<bool>>& kept) {
  const std::size_t experts = level.gate.size();
  double choices = 0;
  for (const auto& row : kept) choices += static_cast<double>(std::count(row.begin(), row.end(), true));
  const double share = std::ceil(level.drop_factor * choices / static_cast<double>(experts));
  const double room =
      std::min(std::max(share, static_cast<double>(level.drop_minimum)), static_cast<double>(kept.size()));
  for (std::size_t e = 0; e < experts; ++e) {
    std::vector<std::pair<std::size_t, std::size_t>> wanted;
    for (std::size_t r = 0; r < kept.size(); ++r)
      if (kept[r][e]) wanted.emplace_back(rank[r][e], r);
    std::sort(wanted.begin(), wanted.end());
    for (std::size_t i = static_cast<std::size_t>(room); i < wanted.size(); ++i) kept[wanted[i].second][e] = false;
  }
}

/// `alike` marks identical inputs: an expert that takes one of them takes all. Empty: none.
inline Decided decide(const Level& level, const Rows& inputs, const std::vector<bool>& alike = {}) {
  const std::size_t experts = level.gate.size();
  const std::vector<bool> all(experts, true);
  Decided d;
  d.chosen.assign(inputs.size(), std::vector<bool>(experts, false));
  std::vector<std::vector<std::size_t>> rank(inputs.size(), std::vector<std::size_t>(experts, 0));
  Rows z, s;
  for (const Vector& u : inputs) z.push_back(product(level.gate, u)), s.push_back(softmax(z.back(), all));
  if (level.select == Select::expert_choice)
    for (std::size_t e = 0; e < experts; ++e) {
      Vector scores;
      std::vector<std::size_t> free;
      for (std::size_t r = 0; r < s.size(); ++r)
        if (level.cap == 0 ||
            static_cast<std::size_t>(std::count(d.chosen[r].begin(), d.chosen[r].end(), true)) < level.cap)
          scores.push_back(s[r][e]), free.push_back(r);
      for (const std::size_t i : largest(scores, rows_per_expert(level, inputs.size()), d.margin))
        d.chosen[free[i]][e] = true;
      bool takes_alike = false;
      for (const std::size_t r : free) takes_alike = takes_alike || (!alike.empty() && alike[r] && d.chosen[r][e]);
      for (const std::size_t r : free)
        if (takes_alike && alike[r]) d.chosen[r][e] = true;
    }
  for (std::size_t r = 0; r < inputs.size(); ++r) {
    if (level.select == Select::top_k)
      for (std::size_t place = 1; const std::size_t e : largest(z[r], level.k, d.margin))
        d.chosen[r][e] = true, rank[r][e] = place++;
    if (level.select == Select::shared_top_k) {
      Vector others = z[r];
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(level.shared));
      d.chosen[r][level.shared] = true;
      rank[r][level.shared] = 1;
      for (std::size_t place = 2; const std::size_t e : largest(others, level.k - 1, d.margin))
        d.chosen[r][e + (e >= level.shared)] = true, rank[r][e + (e >= level.shared)] = place++;
    }
    if (level.select == Select::threshold)
      for (std::size_t e = 0; e < experts; ++e) {
        d.chosen[r][e] = s[r][e] > level.thresholds[e];
        d.margin = std::min(d.margin, std::abs(s[r][e] - level.thresholds[e]));
      }
  }
  d.kept = d.chosen;
  if (level.drop_factor >= 0) drop(level, rank, d.kept);
  for (std::size_t r = 0; r < inputs.size(); ++r) {
    const auto& over = level.normalize_after_dropping ? d.kept[r] : d.chosen[r];
    d.gates.push_back(level.gates == Gates::softmax_over_chosen ? softmax(z[r], over) : s[r]);
    for (std::size_t e = 0; e < experts; ++e)
      if (!d.kept[r][e]) d.gates[r][e] = 0;
    double total = 0;
    for (const double logit : z[r]) total += std::exp(logit);
    d.z_loss += std::pow(std::log(total), 2) / static_cast<double>(inputs.size());
  }
  return d;
}

/// y_t = sum of g_te E_e(x_t) over the kept experts e.
inline Rows mix(const Level& level, const Rows& x, const Decided& d) {
  Rows y(x.size());
  for (std::size_t t = 0; t < x.size(); ++t) {
    y[t].assign(x[t].size(), 0.0);
    for (std::size_t e = 0; e < level.experts.size(); ++e) {
      if (!d.kept[t][e]) continue;
      const Vector answer = ffn(level.experts[e], x[t]);
      for (std::size_t i = 0; i < answer.size(); ++i) y[t][i] += d.gates[t][e] * answer[i];
    }
  }
  return y;
}

inline Output token_moe(const Level& level, const Rows& x) {
  Output out;
  out.decided = decide(level, x);
  out.y = mix(level, x, out.decided);
  return out;
}

inline void add_shared_ffn(const SharedFfn& shared, const Rows& x, Rows& y) {
  for (std::size_t t = 0; t < x.size(); ++t) {
    const Vector answer = ffn(shared.ffn, x[t]);
    const double g = sigmoid(dot(shared.gate, x[t]));
    for (std::size_t i = 0; i < answer.size(); ++i) y[t][i] += g * answer[i];
  }
}

/// `lengths`: rows of each sequence; a window never spans two sequences. `tokens`: empty, or one per row.
inline Output segment_moe(const Level& level, const Windows& windows, const Rows& x,
                          const std::vector<std::size_t>& lengths, const std::vector<int>& tokens) {
  Rows inputs;
  std::vector<std::size_t> of_row;
  std::vector<bool> alike;
  std::size_t t = 0;
  for (const std::size_t length : lengths) {
    Vector before = windows.first;
    for (std::size_t in_sequence = 0; in_sequence < length;) {
      const std::size_t width = level.gate.front().size();
      Vector sum(width, 0.0), most(width, -std::numeric_limits<double>::infinity());
      std::size_t rows = 0;
      for (bool ends = false; !ends && in_sequence < length; ++in_sequence, ++t) {
        ++rows;
        for (std::size_t i = 0; i < width; ++i) sum[i] += x[t][i], most[i] = std::max(most[i], x[t][i]);
        of_row.push_back(inputs.size());
        ends = rows == windows.window || (!tokens.empty() && tokens[t] == windows.boundary && rows >= windows.minimum);
      }
      // Divided after summing: sums of small integers are exact, so equal rows give equal means and ties remain ties.
      for (double& value : sum) value /= static_cast<double>(rows);
      const Vector& pooled = windows.max_pool ? most : sum;
      inputs.push_back(windows.previous ? before : pooled);
      alike.push_back(windows.previous && in_sequence == rows);
      before = pooled;
    }
  }
  const Decided by_segment = decide(level, inputs, alike);
  const Rows y_of_segment = windows.pooled_input ? mix(level, inputs, by_segment) : Rows{};
  Output out;
  out.decided.margin = by_segment.margin;
  for (const std::size_t v : of_row) {
    out.decided.gates.push_back(by_segment.gates[v]);
    out.decided.chosen.push_back(by_segment.chosen[v]);
    out.decided.kept.push_back(by_segment.kept[v]);
    out.mass.push_back(std::accumulate(by_segment.gates[v].begin(), by_segment.gates[v].end(), 0.0));
    if (windows.pooled_input) out.y.push_back(y_of_segment[v]);
  }
  if (!windows.pooled_input) out.y = mix(level, x, out.decided);
  return out;
}

/// With `normalized` the result is divided by Z = w_token + w_segment mass.
inline Rows fuse(const Rows& token, const Rows& segment, const Vector& mass, double w_token, double w_segment,
                 bool normalized) {
  Rows y = token;
  for (std::size_t t = 0; t < y.size(); ++t) {
    const double z = normalized ? w_token + w_segment * mass[t] : 1;
    for (std::size_t i = 0; i < y[t].size(); ++i) y[t][i] = (w_token * token[t][i] + w_segment * segment[t][i]) / z;
  }
  return y;
}

/// N sum_i f_i p_i over the N experts for which `counts` is true; p is the softmax over these experts only.
inline double balance_loss(const Rows& z, const std::vector<std::vector<bool>>& chosen,
                           const std::vector<bool>& counts) {
  double n = 0, choices = 0, loss = 0;
  for (std::size_t e = 0; e < counts.size(); ++e) {
    n += counts[e];
    for (const auto& row : chosen) choices += counts[e] && row[e];
  }
  for (std::size_t e = 0; e < counts.size(); ++e) {
    if (!counts[e] || choices == 0) continue;
    double f = 0, p = 0;
    for (const auto& row : chosen) f += row[e] / choices;
    for (const Vector& row : z) p += softmax(row, counts)[e] / static_cast<double>(z.size());
    loss += n * f * p;
  }
  return loss;
}

}  // namespace moe::testing::reference
