#include "multipl_moe/report/routing_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/utf8_stream.hpp"
#include "multipl_moe/report/shown_tokens.hpp"

namespace multipl_moe {

namespace {

using PageJson = nlohmann::ordered_json;

constexpr int dropped_mark = -1, runner_up_mark = -2;

std::int64_t thousandths(double value) { return std::llround(1000 * value); }

std::int64_t gate_in_json(const RoutedChoice& choice) {
  if (choice.kind == RoutedChoice::Kind::selected) return thousandths(choice.gate);
  return choice.kind == RoutedChoice::Kind::dropped ? dropped_mark : runner_up_mark;
}

PageJson rows_json(const RoutedLevel& level) {
  PageJson rows = PageJson::array();
  for (const std::vector<RoutedChoice>& choices : level.rows) {
    PageJson row = PageJson::array();
    for (const RoutedChoice& choice : choices)
      row.insert(row.end(),
                 {PageJson(choice.expert), PageJson(gate_in_json(choice)), PageJson(thousandths(choice.probability))});
    rows.push_back(std::move(row));
  }
  return rows;
}

PageJson layer_json(const RoutedLayer& layer) {
  PageJson json = PageJson::object();
  if (layer.token) json["token"] = rows_json(*layer.token);
  if (layer.segment) {
    json["begin"] = layer.segment->begin;
    json["segment"] = rows_json(*layer.segment);
  }
  return json;
}

PageJson text_json(const RoutedText& text, const Tokenizer& tokenizer) {
  PageJson tokens = PageJson::array(), layers = PageJson::array();
  for (const ShownToken& token : shown_tokens(text.tokens, tokenizer))
    tokens.push_back(token.note.empty() ? PageJson(token.text) : PageJson::array({token.text, token.note}));
  for (const auto& [number, layer] : text.layers) layers.push_back(layer_json(layer));
  return {{"title", valid_utf8(text.title)},     {"language", text.language ? title_of(*text.language) : ""},
          {"source_tokens", text.source_tokens}, {"sequences", text.sequences},
          {"tokens", std::move(tokens)},         {"layers", std::move(layers)}};
}

std::int64_t number_of_experts(const RoutingPage& page, std::optional<RoutedLevel> RoutedLayer::*level) {
  std::int64_t experts = 0;
  for (const auto& [number, layer] : page.texts.front().layers)
    if (const auto& routed = layer.*level) experts = std::max(experts, routed->experts);
  return experts;
}

void require_size(std::size_t bytes, std::string_view at_least, const std::vector<RoutedText>& texts,
                  std::int64_t layers) {
  if (bytes <= largest_page) return;
  std::int64_t longest = 0, sum = 0;
  for (const RoutedText& text : texts) {
    longest = std::max(longest, static_cast<std::int64_t>(text.tokens.size()));
    sum += static_cast<std::int64_t>(text.tokens.size());
  }
  // A tenth less than in proportion, since the parts of a text differ.
  const double fits = 0.9 * static_cast<double>(largest_page) / static_cast<double>(bytes);
  throw UsageError(fmt::format(
      "[trace] --html must be a page of at most {}, found {}{} for {} in {}; fewer tokens of each text (--html-tokens "
      "{}), fewer layers (--html-layers) or fewer texts need less",
      short_bytes(static_cast<double>(largest_page)), at_least, short_bytes(static_cast<double>(bytes)),
      counted(sum, "tokens"), counted(layers, "layers"),
      std::max<std::int64_t>(1, static_cast<std::int64_t>(fits * static_cast<double>(longest)))));
}

}  // namespace

void require_room_on_page(const std::vector<RoutedText>& texts, std::int64_t layers) {
  constexpr std::size_t least_of_token = std::string_view("\"a\",").size();
  constexpr std::size_t least_of_row = std::string_view("[0,0,0],").size();
  std::size_t tokens = 0;
  for (const RoutedText& text : texts) tokens += text.tokens.size();
  require_size(tokens * (least_of_token + static_cast<std::size_t>(layers) * least_of_row), "at least ", texts, layers);
}

std::string routing_json(const RoutingPage& page, const Tokenizer& tokenizer) {
  std::vector<std::uint32_t> layers;
  for (const auto& [number, layer] : page.texts.front().layers) layers.push_back(number);
  PageJson texts = PageJson::array();
  for (const RoutedText& text : page.texts) texts.push_back(text_json(text, tokenizer));
  const PageJson json{{"model", valid_utf8(page.model)},
                      {"architecture", page.architecture},
                      {"causal", page.is_causal},
                      {"experts",
                       {{"token", number_of_experts(page, &RoutedLayer::token)},
                        {"segment", number_of_experts(page, &RoutedLayer::segment)}}},
                      {"fixed", page.fixed_token_experts},
                      {"layers", layers},
                      {"texts", std::move(texts)}};
  const std::string text = json.dump();
  // In a script element "</script" ends the data and "<!--" changes how it is read, also within a JSON string.
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

std::string routing_page(const RoutingPage& page, const Tokenizer& tokenizer) {
  constexpr std::string_view place = "@ROUTING@";
  const std::size_t at = routing_page_template.find(place);
  std::string html(routing_page_template.substr(0, at));
  html += routing_json(page, tokenizer);
  html += routing_page_template.substr(at + place.size());
  require_size(html.size(), "", page.texts, std::ssize(page.texts.front().layers));
  return html;
}

}  // namespace multipl_moe
