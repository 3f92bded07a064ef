/// A page that shows the routing of texts: one HTML file without any network, made of routing_page.html and the data.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/report/routed_text.hpp"

namespace multipl_moe {

/// The file routing_page.html.
extern const std::string_view routing_page_template;

struct RoutingPage {
  std::string model, architecture;
  bool is_causal = true;
  std::vector<std::int64_t> fixed_token_experts{};  ///< that process every token by design
  std::vector<RoutedText> texts;                    ///< at least one; all of the same layers
};

/// The most bytes that a page may have.
constexpr std::size_t largest_page = 2'000'000;

/// Throws UsageError, with what to reduce, if a page of these texts would be too large whatever their routing is.
/// `layers`: number of layers on the page.
void require_room_on_page(const std::vector<RoutedText>& texts, std::int64_t layers);

/// The data of a page as JSON, in the format that routing_page.html describes, without "<".
std::string routing_json(const RoutingPage& page, const Tokenizer& tokenizer);

/// The whole page. Throws UsageError, with what to reduce, if it has more than largest_page bytes.
std::string routing_page(const RoutingPage& page, const Tokenizer& tokenizer);

}  // namespace multipl_moe
