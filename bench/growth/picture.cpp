#include "bench/growth/picture.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moe_bench {

multipl_moe::Picture growth_picture(const Growth& growth) {
  using multipl_moe::plot_text;
  multipl_moe::Picture picture{.name = "growth", .width = 1080, .height = 380, .data = {}, .commands = {}};
  std::vector<std::size_t> shown;
  for (std::size_t a = 0; a < growth.axes.size(); ++a)
    if (!growth.axes[a].points.empty()) shown.push_back(a);
  picture.commands = fmt::format(
      "set multiplot layout 1,{} margins 0.07,0.985,0.15,0.86 spacing 0.06,0\n"
      "set label 1 'time of forward and backward, ms (both axes logarithmic)' at screen 0.5,0.95 center font 'DejaVu "
      "Sans,13' front\n"
      "set logscale xy 2\nset logscale y 10\nset key top left reverse Left font ',9'\n"
      "set tics out nomirror scale 0.5\nset xtics font ',9'\nset ytics font ',9'\nset grid lt 1 lw 0.5 lc rgb "
      "'#e4e4e4'\n",
      shown.size());
  for (const std::size_t a : shown) {
    const GrowthAxis& axis = growth.axes[a];
    picture.data += fmt::format("$a{} << EOD\n", a);
    std::vector<std::string> tics;
    Index least = axis.points.front().size, most = least;
    for (const GrowthPoint& point : axis.points) {
      tics.push_back(fmt::format("'{0}' {0}", point.size));
      least = std::min(least, point.size), most = std::max(most, point.size);
    }
    for (const GrowthPoint& point : axis.points)
      picture.data += fmt::format("{} {:.6g} {:.6g} {}\n", point.size, point.layer.median, point.dense.median,
                                  point.peer ? fmt::format("{:.6g}", *point.peer) : "NaN");
    picture.data += "EOD\n";
    const auto curve = [&](int column, const std::string& title, const char* color) {
      return fmt::format("$a{} using 1:{} with linespoints pt 7 ps 0.5 lw 1.8 lc rgb '{}' title {}", a, column, color,
                         plot_text(title));
    };
    picture.commands +=
        fmt::format("set xlabel {} offset 0,0.4\nset xrange [{}/1.1:{}*1.1]\nset xtics ({})\nplot {}, {}",
                    plot_text(axis.name), least, most, fmt::join(tics, ", "), curve(2, "TokenMoE", "#b2182b"),
                    curve(3, "dense FFN, equal FLOPs", "#808080"));
    if (!growth.peer.empty()) picture.commands += ", " + curve(4, growth.peer, "#2166ac");
    picture.commands += "\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

}  // namespace moe_bench
