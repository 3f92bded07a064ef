#include <fmt/format.h>

#include "bench/report/report.hpp"

namespace moe_bench {

namespace {

std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.9g}", *value) : ""; }

std::string line(const Result& r, std::string_view part, double median, const std::optional<Spread>& spread,
                 const std::optional<double>& share) {
  const Shape& s = r.entry.shape;
  const bool whole = part == "whole";
  const auto milliseconds = [&](double Spread::*which) {
    return spread ? fmt::format("{:.9g}", 1e3 * ((*spread).*which)) : std::string();
  };
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{:.9g},{},{},{},{},{},{},{}\n", r.entry.name(), r.entry.kind,
                     r.entry.subject, s.name, r.entry.pass, part, s.rows, s.width, s.hidden, s.experts, s.chosen,
                     r.repetitions, 1e3 * median, milliseconds(&Spread::least), milliseconds(&Spread::first_quartile),
                     milliseconds(&Spread::third_quartile), number(share),
                     whole && r.flops_per_second ? number(*r.flops_per_second / 1e9) : "",
                     whole && r.bytes_per_second ? number(*r.bytes_per_second / 1e9) : "",
                     whole ? number(r.of_dense) : "");
}

}  // namespace

std::string as_csv(const Report& report) {
  std::string text =
      "name,kind,subject,shape,pass,part,rows,width,hidden,experts,chosen,repetitions,median_ms,min_ms,q1_ms,q3_ms,"
      "share,"
      "gflop_per_s,gb_per_s,of_dense\n";
  for (const Result& r : report.results) {
    text += line(r, "whole", r.seconds.median, r.seconds, std::nullopt);
    for (const PartResult& p : r.parts)
      text += line(r, part_names[static_cast<std::size_t>(p.part)], p.seconds.median, p.seconds, p.share);
    if (!r.parts.empty()) text += line(r, "rest", r.rest_seconds, std::nullopt, r.rest_share());
  }
  return text;
}

}  // namespace moe_bench
