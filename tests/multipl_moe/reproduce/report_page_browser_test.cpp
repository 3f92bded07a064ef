/// report.html in a browser: what a reader sees.
#include <iostream>

#include "../support/browser.hpp"
#include "example_report.hpp"
#include "support/catch.hpp"

namespace report_page_browser_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Json = nlohmann::json;

TEST_CASE("the report is complete, legible and usable in a browser, without a network", "[browser]") {
  const auto chromium = find_chromium();
  if (!chromium) {
    std::cerr << "Chromium was not found (apt-get install chromium), so this test was skipped\n";
    WARN("skipped: Chromium was not found");
    return;
  }
  const ScratchFolder scratch;
  ExampleReport example(scratch);
  reproduce::write_items(scratch.path(), example.items);
  put_bytes(scratch / "report.html", reproduce::report_page(example.page()));
  Browser browser(*chromium, scratch / "profile");
  browser.open(scratch / "report.html");

  CHECK(browser.evaluate("document.title") == "Reproduction, scale small");
  // The verdicts come first, each with a mark and its name.
  CHECK(browser.evaluate("document.querySelector('main > section').id") == "verdicts");
  CHECK(browser.evaluate("[...document.querySelectorAll('.claim')].map(c => c.dataset.verdict)") ==
        Json{"shown", "not-measured", "not-measured"});
  CHECK(browser.evaluate("document.querySelector('.claim .verdict').textContent") == "\u2714 shown");
  CHECK(browser.evaluate("document.querySelector('.claim p').innerText") == "Dense <rises>.");
  CHECK(browser.evaluate("document.querySelectorAll('#figures .item').length") == example.items.size());
  if (find_program("gnuplot")) {
    CHECK(browser.evaluate("document.querySelectorAll('.item .picture > svg').length") == example.items.size());
    // Symbols of one picture are not taken from another one.
    CHECK(browser.evaluate("(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
                           " return new Set(ids).size === ids.length; })()") == true);
  }

  for (const std::string scheme : {"light", "dark"}) {
    browser.prefer(scheme);
    INFO(scheme);
    const Json contrasts = browser.evaluate(R"((() => {
      const light = color => color.match(/[\d.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
      const background = e => { while (getComputedStyle(e).backgroundColor === 'rgba(0, 0, 0, 0)') e = e.parentElement;
        return getComputedStyle(e).backgroundColor; };
      return ['.verdict.shown', '.verdict.contradicted', '.verdict.undecided', '.soft', '.papers td', '.item p', 'a']
        .map(s => document.querySelector(s)).map(e => {
          const [low, high] = [light(getComputedStyle(e).color), light(background(e))].sort((p, q) => p - q);
          return (high + .05) / (low + .05); });
    })())");
    for (const Json& contrast : contrasts) CHECK(contrast.get<double>() >= 4.5);
  }

  // By keys: the links of the parts, then the boxes that scroll.
  browser.press("Tab", 9);
  CHECK(browser.evaluate("document.activeElement.tagName") == "A");
  CHECK(browser.evaluate("[...document.querySelectorAll('.scroll')].every(b => b.tabIndex === 0 && "
                         "b.getAttribute('aria-label'))") == true);
  // On a phone wide tables and pictures scroll in their boxes, and the page does not.
  browser.size(390, 844, true);
  CHECK(browser.evaluate("document.documentElement.scrollWidth <= 390") == true);
  CHECK(browser.evaluate("[...document.querySelectorAll('.scroll.table')].some(b => b.scrollWidth > b.clientWidth)") ==
        true);
  CHECK(browser.complaints() == std::vector<std::string>{});
  // Pictures of routing have data of their own; nothing else is read but the page.
  for (const std::string& request : browser.requests())
    CHECK((request.starts_with("file://") ? request.ends_with("/report.html") : request.starts_with("data:")));
}

}  // namespace report_page_browser_test
