#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/reproduce/html.hpp"
#include "multipl_moe/reproduce/inlined_svg.hpp"
#include "multipl_moe/reproduce/paper.hpp"
#include "multipl_moe/reproduce/report_page.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The picture of `file` in the page's folder, or a link to it if it takes more than the `room`, from which its size is
/// taken; empty if it was not drawn.
std::string picture_in_page(const ReportPage& page, const std::string& file, const std::string& name,
                            const std::string& label, bool has_page_colors, std::size_t& room) {
  constexpr std::uint64_t largest_picture = 16 << 20;
  if (!is_there(page.folder / file)) return {};
  const std::string inlined =
      inlined_svg(read_whole_file(page.folder / file, largest_picture), name, label, has_page_colors);
  if (inlined.empty()) return {};
  if (inlined.size() > room) return "<p>" + html_link(file, "The picture, a file of its own") + "</p>\n";
  room -= inlined.size();
  return html_scroll_box("picture", label, inlined);
}

/// Words stand on the left of their column, numbers and limits on the right.
const char* alignment_of(const std::string& cell) {
  const char first = cell.empty() ? '0' : cell.front();
  const bool is_word =
      ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')) && !cell.starts_with("below ");
  return is_word ? " class=\"text\"" : "";
}

std::string html_table(const std::vector<std::string>& columns, std::span<const ItemRow> rows,
                       const std::string& name) {
  std::string text = "<table><thead><tr>";
  for (std::size_t c = 0; c < columns.size(); ++c)
    text += fmt::format("<th scope=\"col\"{}>{}</th>", rows.empty() ? "" : alignment_of(rows.front().cells[c]),
                        html_text(columns[c]));
  text += "</tr></thead><tbody>\n";
  for (const ItemRow& row : rows) {
    text += row.is_papers ? "<tr class=\"papers\">" : "<tr>";
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      const std::string cell = html_text(row.cells[c]);
      text += c == 0 ? fmt::format("<th scope=\"row\">{}</th>", cell)
                     : fmt::format("<td{}>{}</td>", alignment_of(row.cells[c]), cell);
    }
    text += "</tr>\n";
  }
  return html_scroll_box("table", name, text + "</tbody></table>");
}

/// The files of an item.
std::string links_of(const ReportPage& page, const Item& item) {
  std::string text;
  for (const auto& [extension, what] :
       {std::pair{".csv", "CSV"}, std::pair{".md", "Markdown"}, std::pair{".svg", "SVG"}, std::pair{".png", "PNG"},
        std::pair{".gp", "script"}}) {
    const std::string file = fmt::format("{}/{}{}", items_folder, item.name, extension);
    if (is_there(page.folder / file)) text += (text.empty() ? "" : ", ") + html_link(file, what);
  }
  return text;
}

/// What routing outputs a system has, by seed.
struct RoutingOf {
  std::map<std::uint64_t, std::string> pages, tables;
};

std::map<std::string, RoutingOf> routing_of(const ReportPage& page) {
  std::map<std::string, RoutingOf> found;
  for (const Stage& stage : page.plan.stages) {
    const auto run = run_stage_of(stage);
    if (!run || !page.finished.contains(stage.id)) continue;
    if (run->step == "page") found[run->system].pages[run->seed] = stage.output;
    if (run->step == "routing") found[run->system].tables[run->seed] = stage.output;
  }
  return found;
}

/// Links to `file` in the folder, or to the file, of each seed, after what they are.
std::string seed_links(const ReportPage& page, std::string_view what, const std::map<std::uint64_t, std::string>& seeds,
                       const std::string& file) {
  std::string links;
  for (const auto& [seed, output] : seeds)
    if (is_there(page.folder / (output + file)))
      links += (links.empty() ? "" : ", ") + html_link(output + file, fmt::to_string(seed));
  return links.empty() ? links : fmt::format("<span>{} of seeds {}</span> ", html_text(what), links);
}

/// The figures and tables of the paper that a file of `trace` stands for.
constexpr std::pair<const char*, const char*> routing_pictures_of[] = {
    {"token_experts", "Figure 3: token experts by language"},
    {"segment_experts", "Figures 4, 6 and 7: segment experts by language"}};

}  // namespace

std::string items_section(const ReportPage& page, std::size_t& room) {
  std::string text;
  for (const Item& item : page.items) {
    text += fmt::format("<section class=\"item\" id=\"{}\"><h3>{}</h3>\n<p>{}</p>\n", item.name, html_text(item.title),
                        html_text(item.note));
    const std::string picture = item.picture ? picture_in_page(page, fmt::format("{}/{}.svg", items_folder, item.name),
                                                               item.name, item.title, true, room)
                                             : std::string();
    if (item.picture && picture.empty())
      text +=
          fmt::format("<p class=\"missing\">Not drawn: <code>gnuplot {0}.gp</code> in the folder {1} draws it.</p>\n",
                      item.name, items_folder);
    const bool is_open = picture.empty() || item.title.starts_with("Table");
    text += picture + fmt::format("<details{}><summary>Numbers</summary>\n", is_open ? " open" : "") +
            html_table(item.columns, item.rows, item.title) +
            fmt::format(
                "</details>\n<p class=\"soft\">Files: {}. Computed from {}; <a href=\"#commands\">the commands"
                "</a>.</p></section>\n",
                links_of(page, item), html_text(item.made_of));
  }
  return text;
}

std::string routing_section(const ReportPage& page, std::size_t& room) {
  const auto routing = routing_of(page);
  if (routing.empty())
    return "<p>No system of this plan has a page or tables of its routing: <code>--only figure3</code> and others plan "
           "them.</p>\n";
  std::string text =
      "<p>Pages show which expert reads each token of held-out text, layer by layer; tables and pictures count them. "
      "Experts have no identity across seeds.</p>\n";
  std::string links = "<ul class=\"links\">";
  for (const auto& [system, of] : routing) {
    std::string of_system = seed_links(page, "pages", of.pages, "");
    for (const auto& [name, what] :
         {std::pair{"/segment_positions.csv", "Table 3, positions of segments"},
          std::pair{"/token_experts.csv", "token experts"}, std::pair{"/segment_experts.csv", "segment experts"}})
      of_system += seed_links(page, what, of.tables, name);
    // A published report has the routing of few systems.
    if (!of_system.empty()) links += fmt::format("<li>{}: {}</li>\n", html_text(title_of_system(system)), of_system);
  }
  text += links + "</ul>\n";
  for (const auto& [system, of] : routing)
    for (const auto& [name, title] : routing_pictures_of)
      for (const auto& [seed, folder] : of.tables) {
        const std::string file = fmt::format("{}/{}.svg", folder, name);
        const std::string label = fmt::format("{}, {}, seed {}", title, title_of_system(system), seed);
        const std::string picture =
            picture_in_page(page, file, fmt::format("{}-{}-{}", system, name, seed), label, false, room);
        if (!picture.empty()) text += fmt::format("<h3>{}</h3>\n", html_text(label)) + picture;
      }
  return text;
}

std::string papers_section() {
  std::vector<ItemRow> rows;
  for (const PaperFigure& f : paper_figures())
    rows.push_back({{f.item, f.system, f.benchmark, f.languages, f.statistic, fmt::format("{}", f.value)}, true});
  return html_table({"item", "system", "benchmark", "languages", "statistic", "value"}, rows,
                    "The paper's own figures, as far as they are known here");
}

std::string commands_section(const ReportPage& page) {
  std::string text = "<ol class=\"commands\">\n";
  for (const Stage& stage : page.plan.stages) {
    std::string files;
    for (const auto& [file, what] : {std::pair(stage.output, "output"), std::pair("logs/" + stage.id + ".log", "log")})
      if (is_there(page.folder / file)) files += (files.empty() ? "" : ", ") + html_link(file, what);
    if (!page.finished.contains(stage.id)) files = "not run";
    text += fmt::format("<li id=\"{0}\">{0}: <code>multipl_moe {1}</code> {2}</li>\n", html_text(stage.id),
                        html_text(fmt::to_string(fmt::join(stage.words, " "))), files);
  }
  return text + "</ol>\n";
}

}  // namespace multipl_moe::reproduce
