#include "multipl_moe/report/panel_grid.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/report/gnuplot.hpp"

namespace multipl_moe {

void PanelGrid::arrange(std::size_t count, int most) {
  panels = static_cast<int>(count);
  const int rows_needed = (panels + most - 1) / most;
  columns = (panels + rows_needed - 1) / rows_needed;
}

std::string PanelGrid::margins(int panel) const {
  const int x = left + panel % columns * (panel_width + gap_x);
  const int y = height() - top - panel / columns * (panel_height + gap_y);
  const auto part = [](int pixels, int of) { return static_cast<double>(pixels) / of; };
  return fmt::format(
      "set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}\nset tmargin at screen {:.5f}\n"
      "set bmargin at screen {:.5f}\n",
      part(x, width()), part(x + panel_width, width()), part(y, height()), part(y - panel_height, height()));
}

std::string PanelGrid::title(std::string_view text) const {
  return fmt::format("set multiplot\nset label 1 {} at screen 0.5,{:.5f} center font 'DejaVu Sans,13' front\n",
                     plot_text(text), 1 - 18.0 / height());
}

std::string tick_list(const std::vector<std::string>& names, int room, int pixels) {
  const auto count = static_cast<int>(names.size());
  const int step = std::max(1, (count * room + pixels - 1) / pixels);
  std::string list;
  for (int i = 0; i < count; i += step)
    list += fmt::format("{}{} {}", i > 0 ? ", " : "", plot_text(names[static_cast<std::size_t>(i)]), i);
  return "(" + list + ")";
}

}  // namespace multipl_moe
