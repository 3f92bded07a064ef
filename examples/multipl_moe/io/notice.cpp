#include "multipl_moe/io/notice.hpp"

#include <cstdio>

namespace multipl_moe {

void notice(std::string_view text) noexcept {
  if (std::fwrite(text.data(), 1, text.size(), stderr) != text.size()) std::clearerr(stderr);
}

}  // namespace multipl_moe
