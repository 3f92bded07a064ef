#include "multipl_moe/reproduce/report_page.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/reproduce/html.hpp"

namespace multipl_moe::reproduce {

namespace {

std::string introduction(const ReportPage& page) {
  std::string text = fmt::format("<p class=\"about\">{}, {}. Numbers of every seed: {}, {}.</p>\n",
                                 counted(page.plan.seeds.size(), "seeds"), counted(page.plan.stages.size(), "stages"),
                                 html_link("scores.csv", "scores.csv"), html_link("claims.csv", "claims.csv"));
  if (!page.unfinished.empty()) text += fmt::format("<p class=\"warning\">{}</p>\n", html_text(page.unfinished));
  if (page.plan.scale == "smoke")
    text +=
        "<p class=\"warning\">This scale shows that all parts work. Its models have learned next to nothing: quote no "
        "number.</p>\n";
  return text;
}

}  // namespace

std::string report_page(const ReportPage& page) {
  std::size_t room = room_for_pictures;
  const std::string items = items_section(page, room), routing = routing_section(page, room);
  const std::array<std::pair<std::string_view, std::string>, 8> parts{
      {{"@TITLE@", html_text(fmt::format("Reproduction, scale {}", page.plan.scale))},
       {"@INTRODUCTION@", introduction(page)},
       {"@COUNTS@", verdict_counts(page)},
       {"@CLAIMS@", claims_section(page)},
       {"@ITEMS@", items},
       {"@ROUTING@", routing},
       {"@PAPERS@", papers_section()},
       {"@COMMANDS@", commands_section(page)}}};
  std::string html;
  std::string_view rest = report_page_template;
  // Only the template has places: the parts may contain anything.
  while (true) {
    std::size_t at = rest.npos;
    const std::pair<std::string_view, std::string>* next = nullptr;
    for (const auto& part : parts)
      if (const std::size_t found = rest.find(part.first); found < at) {
        at = found;
        next = &part;
      }
    html += rest.substr(0, at);
    if (next == nullptr) return html;
    html += next->second;
    rest.remove_prefix(at + next->first.size());
  }
}

}  // namespace multipl_moe::reproduce
