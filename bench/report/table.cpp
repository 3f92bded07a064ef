#include <fmt/format.h>

#include "bench/report/report.hpp"

namespace moe_bench {

namespace {

std::string milliseconds(double seconds) { return fmt::format("{:.{}f}", 1e3 * seconds, seconds < 1e-3 ? 4 : 3); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string giga(const std::optional<double>& rate) { return rate ? fmt::format("{:.1f}", *rate / 1e9) : ""; }

std::string row(const std::string& name, const std::string& median, const std::string& least,
                const std::string& quartiles, const std::string& share, const std::string& flops,
                const std::string& bytes, const std::string& dense) {
  std::string line = fmt::format("{:<30} {:>10} {:>10} {:>19} {:>8} {:>8} {:>7} {:>9}", name, median, least, quartiles,
                                 share, flops, bytes, dense);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string timed_row(const std::string& name, const Spread& s, const std::string& share, const std::string& flops,
                      const std::string& bytes, const std::string& dense) {
  return row(name, milliseconds(s.median), milliseconds(s.least),
             milliseconds(s.first_quartile) + " - " + milliseconds(s.third_quartile), share, flops, bytes, dense);
}

std::string rows_of(const Result& r) {
  std::string text = timed_row(r.entry.subject + " " + r.entry.pass, r.seconds, "", giga(r.flops_per_second),
                               giga(r.bytes_per_second), r.of_dense ? percent(*r.of_dense) : "");
  for (const PartResult& part : r.parts)
    text += timed_row(fmt::format("  {}", part_names[static_cast<std::size_t>(part.part)]), part.seconds,
                      percent(part.share), "", "", "");
  if (!r.parts.empty())
    text += row(r.parts_agree() ? "  rest" : fmt::format("  rest (beyond {:.0f} %)", 100 * tolerance),
                milliseconds(r.rest_seconds), "", "", percent(r.rest_share()), "", "", "");
  return text;
}

}  // namespace

std::string as_table(const Report& report) {
  const Machine& m = report.machine;
  std::string text = fmt::format("{}, {} cores, {} threads, {}; {}, Eigen {}; float32; load {:.2f} at the start\n",
                                 m.cpu, m.cores, m.threads, m.simd, m.compiler, m.eigen, m.load);
  text += fmt::format("medians of {} repetitions, each entry once per round; also minimum and quartiles\n",
                      report.timing.repetitions);
  std::string shape, kind;
  for (const Result& r : report.results) {
    const Shape& s = r.entry.shape;
    if (s.name != shape || r.entry.kind != kind) {
      text += fmt::format("\n{}: T {}, D {}, F {}, {} experts, top-{}\n", s.name, s.rows, s.width, s.hidden, s.experts,
                          s.chosen);
      text += row("", "ms", "min", "quartiles", "share", "GFLOP/s", "GB/s", "of dense");
      shape = s.name;
      kind = r.entry.kind;
    }
    text += rows_of(r);
  }
  text +=
      "\nGFLOP/s counts only the products, 2 FLOPs per multiply-add. `of dense` is that rate as a share of the rate\n"
      "of a dense SwiGLU FFN with the same number of operations. Parts are timed in a separate run, one call after\n"
      "the other; `rest` is the whole minus their sum.\n";
  return text;
}

}  // namespace moe_bench
