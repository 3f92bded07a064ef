/// Time of a TokenMoE and of a dense FFN with as many FLOPs as rows, experts and experts per row grow.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/report/report.hpp"

namespace moe_bench {

/// What grows; the base's other sizes stay.
struct GrowthSizes {
  Shape base;
  std::vector<Index> rows, experts, chosen;
};

/// Times of one size, in ms.
struct GrowthPoint {
  Index size = 0;
  Shape shape;
  Spread layer, dense;
  /// Median of the peer's time, if it was measured.
  std::optional<double> peer;

  double ratio() const { return layer.median / dense.median; }
};

/// The points of one quantity that grows.
struct GrowthAxis {
  std::string name;  // rows, experts, experts per row
  std::vector<GrowthPoint> points;
};

struct Growth {
  Machine machine;
  Timing timing;
  Shape base;
  std::string peer;  // name of the peer, empty without one
  std::vector<GrowthAxis> axes;
};

/// The axes with their shapes; nothing is measured. Throws UsageError for sizes that are not those of a layer.
std::vector<GrowthAxis> growth_axes(const GrowthSizes& sizes);
/// Measures forward and backward, each shape once per round.
Growth measure_growth(const GrowthSizes& sizes, const Timing& timing, int threads,
                      const std::function<void(int)>& progress);

/// The peer's times of forward and backward by shape, and its name, from a file of `bench/peers/cpu.py --csv`. Throws
/// UsageError if the file cannot be read or has no such line.
std::pair<std::string, std::map<std::string, double>> read_peer(const std::filesystem::path& file);
/// Adds the peer's times to the points that have the same shape.
void add_peer(Growth& growth, const std::string& name, const std::map<std::string, double>& ms_of_shape);

/// A line of column names, then one line per point.
std::string growth_csv(const Growth& growth);
/// The page, with tables and a picture from the folder `pictures` beside it; `command` is the command that wrote it.
std::string growth_page(const Growth& growth, const std::string& command, const std::string& pictures);

}  // namespace moe_bench
