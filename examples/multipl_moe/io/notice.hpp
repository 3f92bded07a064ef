/// What the program says on stderr beside its work. Nobody may be there to hear it: a full disk or a closed pipe behind
/// stderr never ends a run.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace multipl_moe {

/// Writes `text` to stderr at once, as far as that is possible.
void notice(std::string_view text) noexcept;

/// The same, but only the first time that the process has this to say: several parts of it read one file.
void notice_once(const std::string& text);

template <class... Values>
void notice(fmt::format_string<Values...> text, Values&&... values) {
  notice(std::string_view(fmt::format(text, std::forward<Values>(values)...)));
}

}  // namespace multipl_moe
