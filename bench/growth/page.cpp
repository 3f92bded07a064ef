#include <fmt/format.h>

#include "bench/growth/growth.hpp"

namespace moe_bench {

namespace {

/// Three significant digits.
std::string digits(double value) {
  return value < 99.95 ? fmt::format("{:#.3g}", value) : fmt::format("{:.0f}", value);
}
std::string spread(const Spread& ms) {
  return fmt::format("{} ({} - {})", digits(ms.median), digits(ms.first_quartile), digits(ms.third_quartile));
}
/// A sentence's list of the base's sizes, without the one that grows.
std::string fixed_sizes(const Shape& base, const std::string& axis) {
  std::string text;
  if (axis != "rows") text += fmt::format("{} rows, ", base.rows);
  if (axis != "experts") text += fmt::format("{} experts, ", base.experts);
  if (axis != "experts per row") text += fmt::format("top-{}, ", base.chosen);
  return text.substr(0, text.size() - 2);
}

/// Microseconds of a unit of work that should cost the same at every size; nothing where experts grow.
std::string unit_of(const std::string& axis) {
  return axis == "rows" ? "us per row" : axis == "experts" ? "" : "us per row and expert";
}
std::string unit_time(const std::string& axis, const GrowthPoint& point) {
  const double rows = static_cast<double>(point.shape.rows);
  const double units = axis == "rows" ? rows : rows * static_cast<double>(point.shape.chosen);
  return digits(1e3 * point.layer.median / units);
}

std::string table(const GrowthAxis& axis, const std::string& peer) {
  const std::string unit = unit_of(axis.name);
  std::string text = fmt::format("| {} | TokenMoE, ms | dense FFN, ms | TokenMoE / dense |", axis.name);
  std::string rule = "\n|---:|---:|---:|---:|";
  if (!unit.empty()) text += fmt::format(" {} |", unit), rule += "---:|";
  if (!peer.empty()) text += fmt::format(" {}, ms | TokenMoE / {} |", peer, peer), rule += "---:|---:|";
  text += rule + "\n";
  for (const GrowthPoint& point : axis.points) {
    text +=
        fmt::format("| {} | {} | {} | {:.2f} |", point.size, spread(point.layer), spread(point.dense), point.ratio());
    if (!unit.empty()) text += fmt::format(" {} |", unit_time(axis.name, point));
    if (!peer.empty())
      text += point.peer ? fmt::format(" {} | {:.2f} |", digits(*point.peer), point.layer.median / *point.peer)
                         : std::string(" | |");
    text += "\n";
  }
  return text;
}

}  // namespace

std::string growth_csv(const Growth& growth) {
  std::string text =
      "axis,size,rows,width,hidden,experts,chosen,layer_ms,layer_q1_ms,layer_q3_ms,dense_ms,dense_q1_ms,dense_q3_ms,"
      "peer_ms\n";
  for (const GrowthAxis& axis : growth.axes)
    for (const GrowthPoint& point : axis.points) {
      const Shape& s = point.shape;
      text +=
          fmt::format("{},{},{},{},{},{},{}", axis.name, point.size, s.rows, s.width, s.hidden, s.experts, s.chosen);
      for (const Spread& ms : {point.layer, point.dense})
        text += fmt::format(",{:.6g},{:.6g},{:.6g}", ms.median, ms.first_quartile, ms.third_quartile);
      text += point.peer ? fmt::format(",{:.6g}\n", *point.peer) : ",\n";
    }
  return text;
}

std::string growth_page(const Growth& growth, const std::string& command, const std::string& pictures) {
  const Machine& m = growth.machine;
  std::string text = fmt::format(
      "# Time as rows, experts and experts per row grow\n\n"
      "The time of forward and backward of a TokenMoE (top-k, no capacity limit, float32) is measured beside that of "
      "a\n"
      "dense FFN with as many FLOPs per row, K times the inner channels of an expert. Width {}, {} inner channels per\n"
      "expert; one quantity grows at a time. The command writes this page, its picture and `{}/growth.csv`.\n\n"
      "```sh\n{}\n```\n\n"
      "Machine: {} on {} cores of {},\n{}; {}; load average {:.2f} at the start. Medians of {} rounds with "
      "quartiles.\n\n"
      "![Time against rows, experts and experts per row]({}/growth.svg)\n",
      growth.base.width, growth.base.hidden, pictures, command,
      m.threads == 1 ? "1 thread" : fmt::format("{} threads", m.threads), m.cores, m.cpu, m.simd, m.compiler, m.load,
      growth.timing.repetitions, pictures);
  for (const GrowthAxis& axis : growth.axes)
    if (!axis.points.empty())
      text += fmt::format("\n## {}{}\n\n{}.\n\n{}", static_cast<char>(axis.name[0] - 'a' + 'A'), axis.name.substr(1),
                          fixed_sizes(growth.base, axis.name), table(axis, growth.peer));
  return text;
}

}  // namespace moe_bench
