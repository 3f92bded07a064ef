/// Messages on stderr. Write errors are ignored: a full disk or a closed pipe behind stderr never ends a run.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace multipl_moe {

/// Writes `text` to stderr immediately, as far as possible.
void notice(std::string_view text) noexcept;

/// From now on notices are dropped, as those of all processes of a run but the first.
void drop_notices() noexcept;
/// Writes `text` even so.
void alarm(std::string_view text) noexcept;

/// The same, but a text is only written once per process: several parts of the program read the same file.
void notice_once(const std::string& text);

template <class... Values>
void notice(fmt::format_string<Values...> text, Values&&... values) {
  notice(std::string_view(fmt::format(text, std::forward<Values>(values)...)));
}

}  // namespace multipl_moe
