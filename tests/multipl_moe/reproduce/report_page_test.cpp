#include "multipl_moe/reproduce/report_page.hpp"

#include "../io/scratch.hpp"
#include "example_report.hpp"
#include "multipl_moe/reproduce/html.hpp"
#include "multipl_moe/reproduce/inlined_svg.hpp"
#include "multipl_moe/reproduce/published.hpp"
#include "support/catch.hpp"

namespace report_page_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE("text and addresses are shown literally", "[reproduce][page]") {
  CHECK(html_text("a<b> & \"c\" 'd'") == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  CHECK(html_link("a b/\"#?é.csv", "<1>") == "<a href=\"a%20b/%22%23%3F%C3%A9.csv\">&lt;1&gt;</a>");
}

TEST_CASE("a picture of gnuplot becomes a part of the page", "[reproduce][page]") {
  const std::string svg =
      "<?xml version=\"1.0\"?>\n<svg \n width=\"60\" height=\"30\"\n viewBox=\"0 0 60 30\"\n>\n<title>Gnuplot</title>\n"
      "<desc>x</desc>\n<rect x=\"0\" y=\"0\" width=\"60\" height=\"30\" fill=\"#ffffff\"/>\n"
      "<circle id='gpDot'/><use xlink:href='#gpDot' color='black'/>\n"
      "<path fill = 'rgb( 68, 119, 170)' stroke=\"black\"/><text fill=\"rgb(0,0,0)\">a &lt; b</text></svg>\n";
  const std::string inlined = inlined_svg(svg, "figure9", "Figure \"9\"", true);
  CHECK(inlined.starts_with(
      "<svg viewBox=\"0 0 60 30\" role=\"img\" aria-label=\"Figure &quot;9&quot;\" style=\"--width:60px\">"));
  CHECK(inlined.ends_with("</svg>"));
  CHECK_THAT(inlined, ContainsSubstring("id='figure9-gpDot'") && ContainsSubstring("href='#figure9-gpDot'") &&
                          ContainsSubstring("fill = 'var(--blue)'") && ContainsSubstring("a &lt; b") &&
                          !ContainsSubstring("black") && !ContainsSubstring("#ffffff") &&
                          !ContainsSubstring("Gnuplot") && !ContainsSubstring("rgb(0,0,0)"));
  CHECK_THAT(inlined_svg(svg, "x", "x", false), ContainsSubstring("rgb( 68, 119, 170)"));
  for (const char* no_picture : {"", "text", "<svg>", "<svg viewBox=\"0 0 1", "</svg><svg viewBox=\"0 0 1 1\">"})
    CHECK(inlined_svg(no_picture, "x", "x", true).empty());
}

TEST_CASE("the page has verdicts, tables, links and commands", "[reproduce][page]") {
  const ScratchFolder scratch;
  const ExampleReport example(scratch);
  const std::string html = report_page(example.page());
  CHECK_THAT(html,
             ContainsSubstring("<title>Reproduction, scale small</title>") && !ContainsSubstring("quote no number"));
  // One claim is shown; the others lack a system and a trace.
  CHECK(times(html, "data-verdict=\"shown\"") == 1);
  CHECK(times(html, "data-verdict=\"not-measured\"") == 2);
  CHECK(times(html, "data-verdict=\"undecided\"") == 0);
  CHECK_THAT(html, ContainsSubstring("<p>Dense &lt;rises&gt;.</p>") && ContainsSubstring("over base on low: +81.2 [") &&
                       ContainsSubstring("<strong>1</strong> <span class=\"verdict shown\">"));
  CHECK_THAT(html, ContainsSubstring("<p class=\"warning\">Not finished: &lt;1&gt; of 2 scores.</p>"));
  for (const Item& item : example.items) {
    CAPTURE(item.name);
    CHECK_THAT(html, ContainsSubstring("<section class=\"item\" id=\"" + item.name + "\">") &&
                         ContainsSubstring("href=\"figures/" + item.name + ".csv\""));
  }
  // The paper's rows are marked, in words and by a class.
  CHECK_THAT(html, ContainsSubstring("<tr class=\"papers\"><th scope=\"row\">base, the paper&#39;s (humaneval)</th>"));
  // Nothing was drawn in this folder but the routing of one seed.
  CHECK_THAT(html, ContainsSubstring("<code>gnuplot figure1.gp</code>") &&
                       ContainsSubstring("aria-label=\"Figure 3: token experts by language, MultiPL-MoE, seed 1\""));
  CHECK_THAT(html,
             ContainsSubstring("<span>pages of seeds <a href=\"exercises/seed-0/multipl-moe/routing.html\">0</a>, "
                               "<a href=\"exercises/seed-1/multipl-moe/routing.html\">1</a></span>") &&
                 ContainsSubstring("href=\"exercises/seed-1/multipl-moe/routing/segment_positions.csv\"") &&
                 !ContainsSubstring("href=\"exercises/seed-1/multipl-moe/routing/segment_experts.csv\""));
  CHECK_THAT(html, ContainsSubstring("<code>multipl_moe trace --html a&lt;b</code>") &&
                       ContainsSubstring("href=\"logs/exercises/seed-0/multipl-moe/page.log\"") &&
                       !ContainsSubstring("href=\"logs/exercises/seed-0/multipl-moe/routing.log\"") &&
                       ContainsSubstring("<code>multipl_moe train</code> not run"));
  // All that the page refers to is a file beside it, or a part of it.
  for (const std::string reference : {"href=\"", "href='", "src=\"", "src='"})
    for (std::size_t at = 0; (at = html.find(reference, at)) != html.npos;) {
      at += reference.size();
      const std::string address = html.substr(at, html.find(reference.back(), at) - at);
      CAPTURE(address);
      CHECK(address.find(':') == address.npos);
      CHECK_FALSE(address.starts_with("/"));
    }
  CHECK(html.find("<script") == html.npos);
  for (const char* place : {"@TITLE@", "@CLAIMS@", "@ITEMS@", "@ROUTING@", "@COMMANDS@"})
    CHECK(html.find(place) == html.npos);

  // A picture for which there is no room is a link.
  std::size_t room = 10;
  CHECK_THAT(routing_section(example.page(), room),
             ContainsSubstring("<a href=\"exercises/seed-1/multipl-moe/routing/token_experts.svg\">") &&
                 !ContainsSubstring("<svg"));
  Plan plain;
  const std::set<std::string> none;
  const ReportPage without{
      .plan = plain, .finished = none, .unfinished = {}, .judged = {}, .items = {}, .folder = scratch.path()};
  CHECK(room == 10);
  CHECK_THAT(routing_section(without, room), ContainsSubstring("No system of this plan"));
  plain.scale = "smoke";
  CHECK_THAT(report_page(without), ContainsSubstring("quote no number") && !ContainsSubstring("Not finished"));
}

TEST_CASE("a published report has the routing of one seed, and links to nothing that it lacks", "[reproduce][report]") {
  const ScratchFolder scratch;
  ExampleReport example(scratch);
  const std::string first = "exercises/seed-0/multipl-moe/routing/";
  for (const char* file : {"token_experts.csv", "token_experts.png", "sequences.csv"})
    put_bytes(scratch / (first + file), file);
  copy_shown_routing(example.plan, example.finished, scratch.path(), scratch / "published");
  CHECK(names_in(scratch / ("published/" + first)) == std::vector<std::string>{"token_experts.csv"});
  CHECK(names_in(scratch / "published/exercises") == std::vector<std::string>{"seed-0"});
  ReportPage page = example.page();
  page.folder = scratch / "published";
  const std::string html = report_page(page);
  CHECK_THAT(html, ContainsSubstring("href=\"exercises/seed-0/multipl-moe/routing.html\"") &&
                       !ContainsSubstring("href=\"exercises/seed-1") && !ContainsSubstring("href=\"logs/") &&
                       !ContainsSubstring(": </li>"));
}

}  // namespace report_page_test
