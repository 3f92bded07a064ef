/// Text in HTML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe::reproduce {

/// `text` so that HTML shows it literally, in an element or in an attribute in quotes.
inline std::string html_text(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (c == '&')
      shown += "&amp;";
    else if (c == '<')
      shown += "&lt;";
    else if (c == '>')
      shown += "&gt;";
    else if (c == '"')
      shown += "&quot;";
    else if (c == '\'')
      shown += "&#39;";
    else
      shown += c;
  }
  return shown;
}

/// `text` as the address of a file in a folder below that of the page: letters, digits and -._/ as they are.
inline std::string html_address(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string address;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '.' || c == '_' || c == '/';
    if (is_plain)
      address += c;
    else
      address += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return address;
}

/// A link to such a file.
inline std::string html_link(std::string_view path, std::string_view text) {
  return "<a href=\"" + html_address(path) + "\">" + html_text(text) + "</a>";
}

/// A box that scrolls by itself, also by keys, where the page is too narrow for `content`. `name`: for those who cannot
/// see it.
inline std::string html_scroll_box(const std::string& kind, std::string_view name, const std::string& content) {
  return "<div class=\"scroll " + kind + "\" tabindex=\"0\" role=\"region\" aria-label=\"" + html_text(name) + "\">" +
         content + "</div>\n";
}

}  // namespace multipl_moe::reproduce
