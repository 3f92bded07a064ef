#include "bench/growth/growth.hpp"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "bench/command.hpp"

namespace moe_bench {

namespace {

constexpr const char* pass = "forward_backward";

/// `base` with another number of rows, experts or experts per row.
GrowthPoint point_of(const Shape& base, Index Shape::*which, Index size) {
  Shape changed = base;
  changed.*which = size;
  const std::string text =
      fmt::format("{}x{}x{}x{}x{}", changed.rows, changed.width, changed.hidden, changed.experts, changed.chosen);
  const auto shape = parse_shape(text);
  if (!shape)
    throw UsageError(
        fmt::format("growth: sizes must be from 1 to 1048576, with at most as many experts per row as "
                    "experts, found {} rows, {} experts and {} experts per row",
                    changed.rows, changed.experts, changed.chosen));
  return {.size = size, .shape = *shape, .layer = {}, .dense = {}, .peer = {}};
}

Spread in_ms(Spread seconds) {
  for (double Spread::*which : {&Spread::median, &Spread::least, &Spread::first_quartile, &Spread::third_quartile})
    seconds.*which *= 1e3;
  return seconds;
}

}  // namespace

std::vector<GrowthAxis> growth_axes(const GrowthSizes& sizes) {
  std::vector<GrowthAxis> axes{{"rows", {}}, {"experts", {}}, {"experts per row", {}}};
  for (const Index size : sizes.rows) axes[0].points.push_back(point_of(sizes.base, &Shape::rows, size));
  for (const Index size : sizes.experts) axes[1].points.push_back(point_of(sizes.base, &Shape::experts, size));
  for (const Index size : sizes.chosen) axes[2].points.push_back(point_of(sizes.base, &Shape::chosen, size));
  return axes;
}

Growth measure_growth(const GrowthSizes& sizes, const Timing& timing, int threads,
                      const std::function<void(int)>& progress) {
  Growth growth{this_machine(threads), timing, sizes.base, {}, growth_axes(sizes)};
  Context context;
  context.threads = threads;
  std::map<std::string, Shape> shapes;
  for (const GrowthAxis& axis : growth.axes)
    for (const GrowthPoint& point : axis.points) shapes.emplace(point.shape.name, point.shape);
  Suite suite;
  for (const auto& [name, shape] : shapes) {
    add_token_moe(suite, context, shape);
    add_dense_ffn(suite, context, shape, shape.chosen);
  }
  std::erase_if(suite, [](const Entry& entry) { return entry.pass != pass || entry.subject == "token_moe_bf16"; });
  for (Entry& entry : suite) entry.parts = {};
  std::map<std::string, Spread> measured;
  for (const Result& result : measure(suite, timing, progress))
    measured.emplace(result.entry.subject + "/" + result.entry.shape.name, in_ms(result.seconds));
  for (GrowthAxis& axis : growth.axes)
    for (GrowthPoint& point : axis.points) {
      point.layer = measured.at("token_moe/" + point.shape.name);
      point.dense = measured.at(dense_ffn_name(point.shape.chosen) + "/" + point.shape.name);
    }
  return growth;
}

std::pair<std::string, std::map<std::string, double>> read_peer(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::pair<std::string, std::map<std::string, double>> peer;
  for (std::string line; std::getline(in, line);) {
    // peer,shape,pass,ours_ms,peer_ms,...
    std::vector<std::string> fields;
    std::istringstream cells(line);
    for (std::string field; std::getline(cells, field, ',');) fields.push_back(field);
    double ms = 0;
    if (fields.size() < 5 || fields[2] != pass) continue;
    const auto [end, error] = std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), ms);
    if (error != std::errc() || end != fields[4].data() + fields[4].size() || !(ms > 0)) continue;
    peer.first = fields[0];
    peer.second[fields[1]] = ms;
  }
  if (peer.second.empty())
    throw UsageError(
        fmt::format("--peer: {} must be a file that bench/peers/cpu.py --csv wrote, with lines of the pass "
                    "{}; it has none",
                    file.native(), pass));
  return peer;
}

void add_peer(Growth& growth, const std::string& name, const std::map<std::string, double>& ms_of_shape) {
  growth.peer = name;
  for (GrowthAxis& axis : growth.axes)
    for (GrowthPoint& point : axis.points)
      if (const auto found = ms_of_shape.find(point.shape.name); found != ms_of_shape.end()) point.peer = found->second;
}

}  // namespace moe_bench
