/// Pictures of gnuplot as parts of a page.
#pragma once

#include <string>
#include <string_view>

namespace multipl_moe::reproduce {

/// An SVG file of gnuplot as an element of a page: without its background, with the text color of the page, and with
/// identifiers that begin with `name`, since those of all pictures are alike. `label` says what it shows.
/// has_page_colors: whether the colors of series, axes and marks become the page's, which differ in dark mode.
/// Empty if `svg` is not such a file.
std::string inlined_svg(std::string_view svg, std::string_view name, std::string_view label, bool has_page_colors);

}  // namespace multipl_moe::reproduce
