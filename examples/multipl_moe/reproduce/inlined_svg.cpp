#include "multipl_moe/reproduce/inlined_svg.hpp"

#include <fmt/format.h>

#include <utility>

#include "multipl_moe/reproduce/html.hpp"

namespace multipl_moe::reproduce {

namespace {

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  std::string result;
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.find(what, begin)) != text.npos; begin = at + what.size()) {
    result.append(text, begin, at - begin);
    result += by;
  }
  text = result + text.substr(begin);
}

/// Removes every part from `begin` to the next `end`.
void remove_all(std::string& text, std::string_view begin, std::string_view end) {
  for (std::size_t at = 0; (at = text.find(begin, at)) != text.npos;) {
    const std::size_t last = text.find(end, at);
    text.erase(at, last == text.npos ? text.npos : last + end.size() - at);
  }
}

/// gnuplot's spelling of the colors of row_chart() and its like, and the page's names for them.
constexpr std::pair<std::string_view, std::string_view> page_colors[] = {
    {"rgb( 68, 119, 170)", "var(--blue)"},   {"rgb(238, 136, 102)", "var(--orange)"},
    {"rgb( 34, 136,  51)", "var(--green)"},  {"rgb(204, 187,  68)", "var(--yellow)"},
    {"rgb(102, 204, 238)", "var(--cyan)"},   {"rgb(170,  51, 119)", "var(--purple)"},
    {"rgb(153, 153, 153)", "var(--papers)"}, {"rgb(204, 204, 204)", "var(--papers-low)"},
    {"rgb(221, 221, 221)", "var(--grid)"},   {"rgb(136, 136, 136)", "var(--axis)"},
    {"rgb( 85,  85,  85)", "var(--mark)"},   {"rgb( 51,  51,  51)", "var(--mark)"},
    {"rgb(119,119,119)", "var(--soft)"},     {"rgb(119, 119, 119)", "var(--soft)"}};

}  // namespace

std::string inlined_svg(std::string_view svg, std::string_view name, std::string_view label, bool has_page_colors) {
  const std::size_t begin = svg.find("<svg");
  const std::size_t box = svg.find("viewBox=\"", begin), box_end = svg.find('"', box + 9);
  const std::size_t body_begin = svg.find('>', box_end), end = svg.rfind("</svg>");
  if (begin == svg.npos || box == svg.npos || box_end == svg.npos || body_begin == svg.npos || end == svg.npos ||
      end < body_begin)
    return {};
  const std::string_view view(svg.substr(box + 9, box_end - box - 9));
  // "0 0 WIDTH HEIGHT"
  const std::size_t width_at = view.find(' ', 2) + 1;
  const std::string_view width = view.substr(width_at, view.find(' ', width_at) - width_at);
  std::string body(svg.substr(body_begin + 1, end - body_begin - 1));
  // The names of gnuplot's parts would be shown where the pointer rests.
  remove_all(body, "<title>", "</title>");
  remove_all(body, "<desc>", "</desc>");
  if (const std::size_t background = body.find("<rect x=\"0\" y=\"0\""); background != body.npos)
    body.erase(background, body.find("/>", background) + 2 - background);
  for (const char* black : {"\"black\"", "'black'", "\"rgb(0,0,0)\"", "'rgb(0,0,0)'"})
    replace_all(body, black, "\"currentColor\"");
  if (has_page_colors)
    for (const auto& [color, of_page] : page_colors) replace_all(body, color, of_page);
  // What every element has by default, or from the page.
  for (const char* usual : {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", " font-family=\"DejaVu Sans\"", "\t"})
    replace_all(body, usual, "");
  replace_all(body, "\n", " ");
  replace_all(body, "<g fill=\"none\" color=\"currentColor\" stroke=\"currentColor\" stroke-width=\"1.00\"> </g>", "");
  const std::string prefix = fmt::format("{}-", name);
  for (const char* reference : {"id='", "id=\"", "href='#", "url(#"}) replace_all(body, reference, reference + prefix);
  return fmt::format("<svg viewBox=\"{}\" role=\"img\" aria-label=\"{}\" style=\"--width:{}px\">{}</svg>", view,
                     html_text(label), width, body);
}

}  // namespace multipl_moe::reproduce
