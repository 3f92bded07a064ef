/// Pictures of several panels, side by side and below each other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// Positions of a picture's panels, in pixels from its lower left corner.
struct PanelGrid {
  int left = 90, right = 130, top = 64, bottom = 60, gap_x = 24, gap_y = 64;
  int panels = 1, columns = 1, panel_width = 100, panel_height = 100;

  int rows() const { return (panels + columns - 1) / columns; }
  int width() const { return left + columns * (panel_width + gap_x) - gap_x + right; }
  int height() const { return top + rows() * (panel_height + gap_y) - gap_y + bottom; }
  bool is_leftmost(int panel) const { return panel % columns == 0; }
  bool is_lowest(int panel) const { return panel + columns >= panels; }

  /// Divides the panels into as few rows as have at most `most` each, all but the last of the same length.
  void arrange(std::size_t count, int most);
  /// gnuplot's commands for the margins of a panel.
  std::string margins(int panel) const;
  /// gnuplot's commands that begin the picture, with a title above all panels; `unset label 1` ends the title.
  std::string title(std::string_view text) const;
};

/// Tick labels: every name, or every n-th if they would overlap. Each needs `room` of the `pixels` that they share.
std::string tick_list(const std::vector<std::string>& names, int room, int pixels);

}  // namespace multipl_moe
