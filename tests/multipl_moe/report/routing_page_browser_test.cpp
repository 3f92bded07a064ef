/// The page in a browser: what a reader sees and does.
#include <cmath>
#include <iostream>

#include "../io/scratch.hpp"
#include "../support/browser.hpp"
#include "example_page.hpp"
#include "support/catch.hpp"

namespace routing_page_browser_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

/// A browser with the page; empty without Chromium.
struct OpenPage {
  ScratchFolder scratch;
  std::optional<Browser> browser;
  Json data;

  explicit OpenPage(const RoutingPage& page = example_page()) {
    const auto chromium = find_chromium();
    if (!chromium) {
      std::cerr << "Chromium was not found (apt-get install chromium), so this test was skipped\n";
      WARN("skipped: Chromium was not found");
      return;
    }
    const std::string html = routing_page(page, ByteTokenizer());
    data = data_of(html);
    put_bytes(scratch / "page.html", html);
    browser.emplace(*chromium, scratch / "profile");
    browser->open(scratch / "page.html");
  }
  Json evaluate(const std::string& expression) { return browser->evaluate(expression); }
  std::string dock() { return evaluate("document.getElementById('dock').innerText"); }
  /// The middle of the first element of a selector, after scrolling it into view.
  std::pair<double, double> place(const std::string& selector) {
    const Json box =
        evaluate("(() => { const e = document.querySelector(" + Json(selector).dump() +
                 "); e.scrollIntoView({block: 'center', inline: 'nearest'}); const b = e.getClientRects()[0];"
                 " return [(b.left + b.right) / 2, (b.top + b.bottom) / 2]; })()");
    return {box[0], box[1]};
  }
  void click(const std::string& selector) {
    const auto [x, y] = place(selector);
    browser->click(x, y);
  }
  /// The experts whose colors the tokens of a pane have.
  Json colors(int pane) {
    return evaluate(
        "(() => { const of = []; for (const e of document.querySelectorAll('.pane')[" + std::to_string(pane) +
        "].querySelectorAll('[data-token]')) of[e.dataset.token] = Number((e.className.match(/ e(\\d+)/) || "
        "[0, -1])[1]); return of; })()");
  }
  /// The experts that the data give the tokens of a text in a layer: the first choice after the shared expert.
  Json routed(std::size_t text, std::size_t layer) const {
    Json experts = Json::array();
    for (const Json& row : data["texts"][text]["layers"][layer]["token"]) experts.push_back(row[3]);
    return experts;
  }
};

std::string token(int pane, int number) {
  return ".pane:nth-child(" + std::to_string(pane + 1) + ") [data-token='" + std::to_string(number) + "']";
}

}  // namespace

TEST_CASE("the page shows its texts and colors, without a complaint and without a network", "[browser]") {
  OpenPage page;
  if (!page.browser) return;
  CHECK(page.evaluate("document.title") == "Routing of evil.py, <b>&.go");
  const Json text = page.evaluate("[...document.querySelectorAll('.pane:first-child .line')].map(l => l.textContent)");
  CHECK(text == Json{"x = \"</script><script>alert(1)</script><!-- &amp; caf\u00e9\u00b7\"", "\tif x < 3:", "",
                     "\t\treturn x"});
  CHECK(page.colors(0) == page.routed(0, 0));
  CHECK(page.colors(1) == page.routed(1, 0));
  // The label at a segment's first token: its experts; segment 3 was dropped.
  const auto label = [&](int t) {
    return page.evaluate("document.querySelector(\"" + token(0, t) + "\").dataset.segment");
  };
  CHECK(label(16) == "2");
  CHECK(label(24) == "none");
  CHECK(label(17).is_null());
  CHECK_THAT(page.evaluate("document.querySelector('.shares').getAttribute('aria-label')").get<std::string>(),
             ContainsSubstring("expert 1: ") && ContainsSubstring("expert 5: "));
  CHECK(page.browser->complaints() == std::vector<std::string>{});
  CHECK(page.browser->requests().size() == 1);
}

TEST_CASE("pointing, clicking and keys select tokens, layers, texts and experts", "[browser]") {
  OpenPage page;
  if (!page.browser) return;
  Browser& browser = *page.browser;

  CHECK_THAT(page.dock(), ContainsSubstring("Point at a token"));
  const auto [x, y] = page.place(token(0, 4));
  browser.move_to(x, y);
  CHECK_THAT(page.dock(), ContainsSubstring("token 5 of sequence 1") && ContainsSubstring("gate 0.250") &&
                              ContainsSubstring("every token") && ContainsSubstring("gate 0.750") &&
                              ContainsSubstring("p 0.438") && ContainsSubstring("runner-up") &&
                              ContainsSubstring("Segment experts of 8 tokens"));
  const auto [other_x, other_y] = page.place(token(0, 6));
  browser.click(other_x, other_y);
  browser.move_to(x, y);
  CHECK_THAT(page.dock(), ContainsSubstring("token 7 of sequence 1"));
  browser.press("Escape", 27);
  CHECK_THAT(page.dock(), ContainsSubstring("Point at a token"));
  page.click(token(1, 3));
  CHECK_THAT(page.dock(), ContainsSubstring("token 4 of sequence 1"));
  browser.press("Escape", 27);

  // By keys alone: Tab into the first text, then through it.
  page.evaluate("document.activeElement.blur()");
  for (int i = 0; i < 20 && page.evaluate("document.activeElement.className") != "code"; ++i) browser.press("Tab", 9);
  CHECK_THAT(page.dock(), ContainsSubstring("token 1 of sequence 1"));
  browser.press("ArrowRight", 39);
  browser.press("ArrowRight", 39);
  CHECK_THAT(page.dock(), ContainsSubstring("token 3 of sequence 1"));
  browser.press("ArrowDown", 40);
  CHECK(page.evaluate("document.querySelector('.now').parentNode.previousSibling.textContent")
            .get<std::string>()
            .starts_with("x = "));
  browser.press("Home", 36);
  CHECK_THAT(page.dock(), ContainsSubstring("token 1 of sequence 1"));
  browser.press("End", 35);
  CHECK_THAT(page.dock(), ContainsSubstring("\u21b5") && ContainsSubstring("of sequence 3"));

  browser.press("]", 221);
  CHECK(page.colors(0) == page.routed(0, 1));
  CHECK(page.colors(1) == page.routed(1, 1));
  CHECK(page.evaluate("document.getElementById('layer-number').textContent") == "1 of 0\u20133");
  page.evaluate("document.getElementById('layer').focus()");
  browser.press("ArrowRight", 39);
  CHECK(page.colors(0) == page.routed(0, 2));
  CHECK(page.evaluate("document.getElementById('layer-number').textContent") == "3 of 0\u20133");
  CHECK_THAT(page.dock(), ContainsSubstring("layer 3"));
  browser.press("[", 219);
  browser.press("[", 219);
  CHECK(page.colors(1) == page.routed(1, 0));

  // One expert alone, and all again.
  page.click("#legend button[value='2']");
  CHECK(page.evaluate("[...document.querySelectorAll('[data-token]')].every(e => e.classList.contains('dim') === "
                      "!e.classList.contains('e2'))") == true);
  page.click("#legend button[value='2']");
  CHECK(page.evaluate("document.querySelectorAll('.dim').length") == 0);

  // Marks that can be left out.
  const std::string number = "getComputedStyle(document.querySelector(\"" + token(0, 3) + "\"), '::after').content";
  CHECK(page.evaluate(number) == "none");
  page.click("#numbers");
  CHECK(page.evaluate(number) == "\"2\"");
  const std::string mark = "getComputedStyle(document.querySelector(\"" + token(0, 0) + "\"), '::before').content";
  CHECK(page.evaluate(mark) == "\"0\"");
  page.click("#segments");
  CHECK(page.evaluate(mark) == "none");

  // The other text on the left, and nothing beside it.
  page.evaluate("document.getElementById('left').focus()");
  browser.press("ArrowDown", 40);
  CHECK(page.evaluate("document.querySelector('.pane strong').textContent") == "<b>&.go");
  page.evaluate("document.getElementById('right').focus()");
  browser.press("Home", 36);
  CHECK(page.evaluate("document.querySelectorAll('.pane').length") == 1);
  CHECK(page.colors(0) == page.routed(1, 0));
  CHECK(browser.complaints() == std::vector<std::string>{});
}

TEST_CASE("on a phone nothing is cut off, and a tap selects a token", "[browser]") {
  OpenPage page;
  if (!page.browser) return;
  page.browser->size(390, 844, true);
  CHECK(page.evaluate("document.documentElement.scrollWidth <= 390") == true);
  // One text below the other.
  CHECK(page.evaluate("(() => { const [a, b] = [...document.querySelectorAll('.pane')].map(p => "
                      "p.getBoundingClientRect()); return a.bottom <= b.top; })()") == true);
  const auto [x, y] = page.place(token(0, 9));
  page.browser->tap(x, y);
  page.browser->wait_until("document.getElementById('dock').innerText.includes('token 10 of sequence 1')");
  CHECK_THAT(page.dock(), ContainsSubstring("gate 0.750"));
  CHECK(page.browser->complaints() == std::vector<std::string>{});
}

TEST_CASE("the page is legible in both color schemes, and its patterns differ", "[browser]") {
  RoutingPage eight = example_page();
  for (RoutedText& text : eight.texts)
    for (auto& [number, layer] : text.layers) {
      layer.token->experts = 9;
      for (std::size_t t = 0; t < layer.token->rows.size(); ++t)
        layer.token->rows[t][1].expert = 1 + static_cast<std::int64_t>(t % 8);
    }
  OpenPage page(eight);
  if (!page.browser) return;
  // WCAG's contrast of two colors as getComputedStyle writes them.
  page.evaluate(R"(window.contrast = (a, b) => {
    const light = color => color.match(/[\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
    const [low, high] = [light(a), light(b)].sort((p, q) => p - q);
    return (high + .05) / (low + .05);
  }, window.colors = selector => getComputedStyle(document.querySelector(selector)), window.background =
    selector => { let e = document.querySelector(selector);
      while (colorOf(e) === 'rgba(0, 0, 0, 0)') e = e.parentElement; return colorOf(e); },
  window.colorOf = e => getComputedStyle(e).backgroundColor, 0)");
  Json pages = Json::array();
  for (const std::string scheme : {"light", "dark"}) {
    page.browser->prefer(scheme);
    // Past the transition of the colors.
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: '* { transition: "
        "none !important }'}))");
    INFO(scheme);
    pages.push_back(page.evaluate("colorOf(document.body)"));
    const auto contrast = [&](const std::string& text) {
      return page.evaluate("contrast(colors('" + text + "').color, background('" + text + "'))").get<double>();
    };
    for (int e = 1; e <= 8; ++e) {
      const std::string code = ".code .e" + std::to_string(e);
      INFO(e);
      CHECK(contrast(code) >= 7);
      // The bar below the token, next to the page's background: WCAG asks for 3.
      const Json bar = page.evaluate(
          "(() => { const probe = document.createElement('i'); probe.style.color = "
          "'var(--bar)'; document.querySelector('" +
          code + "').append(probe); const c = getComputedStyle(probe).color; probe.remove(); return c; })()");
      CHECK(page.evaluate("contrast('" + bar.get<std::string>() + "', background('.code'))").get<double>() >= 3);
      CHECK(page.evaluate("contrast('" + bar.get<std::string>() + "', background('" + code + "'))").get<double>() >= 3);
    }
    for (const char* text : {".about", ".size", ".shares span", "#dock .hint", ".legend .note", "h1"}) {
      INFO(text);
      CHECK(contrast(text) >= 4.5);
    }
  }
  CHECK(pages[0] != pages[1]);
  const Json patterns = page.evaluate(
      "new Set([1, 2, 3, 4, 5, 6, 7, 8].map(e => getComputedStyle(document.querySelector("
      "'.code .e' + e)).getPropertyValue('--pattern'))).size");
  CHECK(patterns == 8);
}

}  // namespace routing_page_browser_test
