#include <nlohmann/json.hpp>

#include "bench/report/report.hpp"

namespace moe_bench {

namespace {

using Json = nlohmann::ordered_json;

void put_spread(Json& out, const Spread& s) {
  out["median_ms"] = 1e3 * s.median;
  out["min_ms"] = 1e3 * s.least;
  out["q1_ms"] = 1e3 * s.first_quartile;
  out["q3_ms"] = 1e3 * s.third_quartile;
}

Json described(const Report& report) {
  const Machine& m = report.machine;
  return {{"type", "machine"},      {"cpu", m.cpu},
          {"simd", m.simd},         {"cores", m.cores},
          {"threads", m.threads},   {"load", m.load},
          {"compiler", m.compiler}, {"eigen", m.eigen},
          {"value", "float32"},     {"repetitions", report.timing.repetitions},
          {"tolerance", tolerance}};
}

Json described(const Result& r) {
  const Shape& s = r.entry.shape;
  Json out{{"type", "result"},   {"name", r.entry.name()}, {"kind", r.entry.kind}, {"subject", r.entry.subject},
           {"shape", s.name},    {"pass", r.entry.pass},   {"rows", s.rows},       {"width", s.width},
           {"hidden", s.hidden}, {"experts", s.experts},   {"chosen", s.chosen},   {"repetitions", r.repetitions}};
  put_spread(out, r.seconds);
  if (r.flops_per_second) out["gflop_per_s"] = *r.flops_per_second / 1e9;
  if (r.bytes_per_second) out["gb_per_s"] = *r.bytes_per_second / 1e9;
  if (r.of_dense) out["of_dense"] = *r.of_dense;
  if (r.parts.empty()) return out;
  for (const PartResult& p : r.parts) {
    Json& part = out["parts"][std::string(part_names[static_cast<std::size_t>(p.part)])];
    put_spread(part, p.seconds);
    part["share"] = p.share;
  }
  out["rest_ms"] = 1e3 * r.rest_seconds;
  out["rest_share"] = r.rest_share();
  out["parts_agree"] = r.parts_agree();
  return out;
}

}  // namespace

std::string as_jsonl(const Report& report) {
  std::string text = described(report).dump() + "\n";
  for (const Result& result : report.results) text += described(result).dump() + "\n";
  return text;
}

}  // namespace moe_bench
