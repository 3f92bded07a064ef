#include "bench/report/strategies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace moe_bench {

namespace {

using Cells = std::vector<std::string>;
/// Rows of cells; the first row has the column names.
using Grid = std::vector<Cells>;

std::string time_cell(const Spread& s) {
  const int digits = s.median < 1e-3 ? 4 : s.median < 1 ? 2 : 0;
  return fmt::format("{:.{}f} ({:.{}f} - {:.{}f})", 1e3 * s.median, digits, 1e3 * s.first_quartile, digits,
                     1e3 * s.third_quartile, digits);
}
std::string percent_cell(double share) { return fmt::format("{:.1f} %", 100 * share); }

/// Share of each phase in the time of all phases, over both passes.
std::array<double, phase_names.size()> phase_shares(const StrategyResult& r) {
  std::array<double, phase_names.size()> shares{};
  for (std::size_t p = 0; p < shares.size(); ++p) shares[p] = r.forward_phases[p].median + r.backward_phases[p].median;
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share = sum > 0 ? share / sum : 0;
  return shares;
}

Grid times_of(const StrategyReport& report) {
  Grid grid{{"strategy", "forward ms", "backward ms"}};
  grid[0].insert(grid[0].end(), phase_names.begin(), phase_names.end());
  grid[0].insert(grid[0].end(), {"rows/s", "of dense", "MB", "parameters"});
  for (const StrategyResult& r : report.results) {
    Cells cells{r.name, time_cell(r.forward), time_cell(r.backward)};
    for (const double share : phase_shares(r)) cells.push_back(share > 0 ? percent_cell(share) : "");
    cells.push_back(fmt::format("{:.0f}", r.tokens_per_second));
    cells.push_back(r.of_dense ? percent_cell(*r.of_dense) : "");
    cells.push_back(fmt::format("{:.2f}", 1e-6 * static_cast<double>(r.peak_bytes)));
    cells.push_back(fmt::format("{:.3f} M", 1e-6 * static_cast<double>(r.parameters)));
    grid.push_back(std::move(cells));
  }
  return grid;
}

Grid routing_of(const StrategyReport& report) {
  Grid grid{{"strategy", "experts", "max/mean", "cv", "entropy", "of even", "gate entropy", "experts/row", "dropped",
             "unserved", "flips", "neighbors"}};
  for (const StrategyResult& r : report.results) {
    if (!r.routing) continue;
    const RoutingResult& m = *r.routing;
    const double even = std::log(static_cast<double>(m.experts));
    grid.push_back({r.name, std::to_string(m.experts), fmt::format("{:.2f}", m.balance.most_over_mean),
                    fmt::format("{:.2f}", m.balance.variation), fmt::format("{:.2f}", m.balance.entropy),
                    even > 0 ? percent_cell(m.balance.entropy / even) : "", fmt::format("{:.2f}", m.gate_entropy),
                    fmt::format("{:.2f}", m.experts_per_row), percent_cell(m.dropped), percent_cell(m.unserved),
                    percent_cell(m.flips), percent_cell(m.neighbor_sensitivity)});
  }
  return grid;
}

/// Columns as wide as their widest cell; names to the left, everything else to the right.
std::string aligned(const Grid& grid, const std::string& begin, const std::string& between, const std::string& end,
                    bool with_rule) {
  std::vector<std::size_t> widths(grid[0].size());
  for (const Cells& cells : grid)
    for (std::size_t c = 0; c < cells.size(); ++c) widths[c] = std::max(widths[c], cells[c].size());
  std::string text;
  for (std::size_t l = 0; l < grid.size(); ++l) {
    std::string line = begin;
    for (std::size_t c = 0; c < widths.size(); ++c)
      line += (c == 0 ? "" : between) +
              (c == 0 ? fmt::format("{:<{}}", grid[l][c], widths[c]) : fmt::format("{:>{}}", grid[l][c], widths[c]));
    text += line + end + "\n";
    if (l > 0 || !with_rule) continue;
    for (std::size_t c = 0; c < widths.size(); ++c) text += c == 0 ? "|---" : "|---:";
    text += "|\n";
  }
  return text;
}

std::string heading(const StrategyReport& report) {
  const Machine& m = report.machine;
  const Shape& s = report.plan.shape;
  return fmt::format(
      "{}: T {} in {} sequences, D {}, F {}, {} experts, top-{}; input {}; backend {}, float32\n"
      "{}, {} cores, {} threads, {}; {}; load {:.2f} at the start; medians of {} repetitions in turns (quartiles)\n",
      s.name, s.rows, report.plan.lengths().size(), s.width, s.hidden, s.experts, s.chosen, report.input,
      report.backend, m.cpu, m.cores, m.threads, m.simd, m.compiler, m.load, report.plan.repetitions);
}

constexpr const char* legend =
    "Phases are shares of forward and backward together. `of dense`: FLOPs per second, counted for the rows that\n"
    "experts process, as a share of the dense FFN's.\n"
    "MB: growth of the memory pool in one forward and backward pass, without weights and their gradients.\n"
    "Loads, entropies (nats), dropped pairs and rows without an expert (unserved) are of the training pass with\n"
    "random weights.\n"
    "Flips: inference decisions before a cut that change when the rows after it are removed; neighbors: decisions on\n"
    "one sequence that change when the sequences before it in the batch are replaced.\n";

Grid as_columns(const StrategyReport& report) {
  Grid grid{{"strategy", "shape", "rows", "width", "hidden", "experts", "chosen", "input", "backend", "repetitions"}};
  const auto add_spread_names = [&](const std::string& name) {
    for (const char* part : {"_median_ms", "_min_ms", "_q1_ms", "_q3_ms"}) grid[0].push_back(name + part);
  };
  for (const char* pass : {"forward", "backward"}) {
    add_spread_names(pass);
    for (const std::string_view phase : phase_names) add_spread_names(std::string(pass) + "_" + std::string(phase));
  }
  grid[0].insert(grid[0].end(), {"rows_per_s", "gflop_per_s", "of_dense", "pool_bytes", "parameters", "layer_experts",
                                 "load_max_over_mean", "load_cv", "load_entropy", "gate_entropy", "experts_per_row",
                                 "dropped", "unserved", "flips", "neighbor_sensitivity"});
  const Shape& s = report.plan.shape;
  for (const StrategyResult& r : report.results) {
    Cells cells{r.name};
    cells.push_back(s.name);
    for (const Index size : {s.rows, s.width, s.hidden, s.experts, s.chosen}) cells.push_back(std::to_string(size));
    cells.insert(cells.end(), {report.input, report.backend, std::to_string(r.repetitions)});
    const auto add = [&](double value) { cells.push_back(fmt::format("{:.9g}", value)); };
    const auto add_spread = [&](const Spread& spread) {
      for (const double seconds : {spread.median, spread.least, spread.first_quartile, spread.third_quartile})
        add(1e3 * seconds);
    };
    add_spread(r.forward);
    for (const Spread& phase : r.forward_phases) add_spread(phase);
    add_spread(r.backward);
    for (const Spread& phase : r.backward_phases) add_spread(phase);
    add(r.tokens_per_second);
    add(1e-9 * r.flops / r.both.median);
    cells.push_back(r.of_dense ? fmt::format("{:.9g}", *r.of_dense) : "");
    cells.push_back(std::to_string(r.peak_bytes));
    cells.push_back(std::to_string(r.parameters));
    if (r.routing) {
      const RoutingResult& m = *r.routing;
      cells.push_back(std::to_string(m.experts));
      for (const double value : {m.balance.most_over_mean, m.balance.variation, m.balance.entropy, m.gate_entropy,
                                 m.experts_per_row, m.dropped, m.unserved, m.flips, m.neighbor_sensitivity})
        add(value);
    }
    cells.resize(grid[0].size());
    grid.push_back(std::move(cells));
  }
  return grid;
}

}  // namespace

std::string as_table(const StrategyReport& report) {
  return heading(report) + "\n" + aligned(times_of(report), "", "  ", "", false) + "\n" +
         aligned(routing_of(report), "", "  ", "", false) + "\n" + legend;
}

std::string as_markdown(const StrategyReport& report) {
  return heading(report) + "\n" + aligned(times_of(report), "| ", " | ", " |", true) + "\n" +
         aligned(routing_of(report), "| ", " | ", " |", true) + "\n" + legend;
}

std::string as_csv(const StrategyReport& report) {
  std::string text;
  for (const Cells& cells : as_columns(report)) text += fmt::format("{}\n", fmt::join(cells, ","));
  return text;
}

std::string as_jsonl(const StrategyReport& report) {
  using Line = nlohmann::ordered_json;
  const Machine& m = report.machine;
  std::string text = Line{{"type", "machine"},      {"cpu", m.cpu},         {"simd", m.simd},
                          {"cores", m.cores},       {"threads", m.threads}, {"load", m.load},
                          {"compiler", m.compiler}, {"value", "float32"},   {"repetitions", report.plan.repetitions}}
                         .dump() +
                     "\n";
  // The columns of the csv, numbers as numbers; values that do not apply are left out.
  const Grid grid = as_columns(report);
  for (std::size_t l = 1; l < grid.size(); ++l) {
    Line values{{"type", "strategy"}};
    for (std::size_t c = 0; c < grid[l].size(); ++c) {
      const std::string& cell = grid[l][c];
      if (cell.empty()) continue;
      const bool is_text =
          grid[0][c] == "strategy" || grid[0][c] == "shape" || grid[0][c] == "input" || grid[0][c] == "backend";
      if (is_text)
        values[grid[0][c]] = cell;
      else
        values[grid[0][c]] = Line::parse(cell);
    }
    text += values.dump() + "\n";
  }
  return text;
}

}  // namespace moe_bench
