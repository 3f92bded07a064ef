/// The judge: every layer written as the plain loops its equations are, in double, with no code of the library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace moe::testing::reference {

using Vector = std::vector<double>;
using Rows = std::vector<Vector>;

struct Ffn {
  Rows gate, up, down;  // [out][in]
};
enum class Select { top_k, shared_top_k, expert_choice, threshold };
enum class Gates { softmax_over_all, softmax_over_chosen };

/// One level of a layer: who chooses how, over which experts.
struct Level {
  Rows gate;  // [expert][width]
  std::vector<Ffn> experts;
  Select select = Select::top_k;
  Gates gates = Gates::softmax_over_all;
  std::size_t k = 1, shared = 0;
  double capacity_factor = -1;  // below 0: every expert may take every row
  Vector thresholds;
};
struct SharedFfn {
  Ffn ffn;
  Vector gate;
};
struct Windows {
  std::size_t window = 1;
  bool previous = false;
  Vector first;
};
/// Gates, 0 where not chosen, and how close the closest decision was.
struct Decided {
  Rows gates;
  std::vector<std::vector<bool>> chosen;
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

inline Vector ffn(const Ffn& f, const Vector& x) {
  Vector h = product(f.gate, x);
  const Vector b = product(f.up, x);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] *= sigmoid(h[i]) * b[i];
  return product(f.down, h);
}

/// Softmax over the entries for which `counts`; the others are 0.
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

/// The places of the `take` largest values, the lower place first among equals; `margin` learns how close
/// the decision was. Equal values are no close call, since equal inputs give equal values and the place decides; what
/// must keep its distance are the values next to them.
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

inline Decided decide(const Level& level, const Rows& inputs) {
  const std::size_t experts = level.gate.size();
  const std::vector<bool> all(experts, true);
  Decided d;
  d.chosen.assign(inputs.size(), std::vector<bool>(experts, false));
  Rows z, s;
  for (const Vector& u : inputs) z.push_back(product(level.gate, u)), s.push_back(softmax(z.back(), all));
  if (level.select == Select::expert_choice)
    for (std::size_t e = 0; e < experts; ++e) {
      Vector scores;
      for (const Vector& row : s) scores.push_back(row[e]);
      for (const std::size_t r : largest(scores, rows_per_expert(level, inputs.size()), d.margin))
        d.chosen[r][e] = true;
    }
  for (std::size_t r = 0; r < inputs.size(); ++r) {
    if (level.select == Select::top_k)
      for (const std::size_t e : largest(z[r], level.k, d.margin)) d.chosen[r][e] = true;
    if (level.select == Select::shared_top_k) {
      Vector others = z[r];
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(level.shared));
      d.chosen[r][level.shared] = true;
      for (const std::size_t e : largest(others, level.k - 1, d.margin)) d.chosen[r][e + (e >= level.shared)] = true;
    }
    if (level.select == Select::threshold)
      for (std::size_t e = 0; e < experts; ++e) {
        d.chosen[r][e] = s[r][e] > level.thresholds[e];
        d.margin = std::min(d.margin, std::abs(s[r][e] - level.thresholds[e]));
      }
    d.gates.push_back(level.gates == Gates::softmax_over_chosen ? softmax(z[r], d.chosen[r]) : s[r]);
    for (std::size_t e = 0; e < experts; ++e)
      if (!d.chosen[r][e]) d.gates[r][e] = 0;
  }
  return d;
}

/// y_t = sum over the chosen e of g_te E_e(x_t).
inline Rows mix(const Level& level, const Rows& x, const Decided& d) {
  Rows y(x.size());
  for (std::size_t t = 0; t < x.size(); ++t) {
    y[t].assign(x[t].size(), 0.0);
    for (std::size_t e = 0; e < level.experts.size(); ++e) {
      if (!d.chosen[t][e]) continue;
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

/// `lengths`: rows of each sequence; a window never holds rows of two.
inline Output segment_moe(const Level& level, const Windows& windows, const Rows& x,
                          const std::vector<std::size_t>& lengths) {
  Rows inputs;
  std::vector<std::size_t> of_row;
  std::size_t t = 0;
  for (const std::size_t length : lengths) {
    Vector before = windows.first;
    for (std::size_t begin = 0; begin < length; begin += windows.window) {
      const std::size_t rows = std::min(windows.window, length - begin);
      Vector mean(level.gate.front().size(), 0.0);
      for (std::size_t r = 0; r < rows; ++r, ++t) {
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += x[t][i];
        of_row.push_back(inputs.size());
      }
      // Divided at the end, as sums of small whole numbers are exact: then equal rows give equal means, and ties are
      // ties.
      for (double& value : mean) value /= static_cast<double>(rows);
      inputs.push_back(windows.previous ? before : mean);
      before = mean;
    }
  }
  const Decided by_segment = decide(level, inputs);
  Output out;
  out.decided.margin = by_segment.margin;
  for (const std::size_t v : of_row) {
    out.decided.gates.push_back(by_segment.gates[v]);
    out.decided.chosen.push_back(by_segment.chosen[v]);
    out.mass.push_back(std::accumulate(by_segment.gates[v].begin(), by_segment.gates[v].end(), 0.0));
  }
  out.y = mix(level, x, out.decided);
  return out;
}

/// `normalised`: divided by Z = w_token + w_segment mass.
inline Rows fuse(const Rows& token, const Rows& segment, const Vector& mass, double w_token, double w_segment,
                 bool normalised) {
  Rows y = token;
  for (std::size_t t = 0; t < y.size(); ++t) {
    const double z = normalised ? w_token + w_segment * mass[t] : 1;
    for (std::size_t i = 0; i < y[t].size(); ++i) y[t][i] = (w_token * token[t][i] + w_segment * segment[t][i]) / z;
  }
  return y;
}

/// N sum_i f_i p_i over the experts that count, p from the softmax over them alone.
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
