#include "multipl_moe/cli/standard_input.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"

namespace multipl_moe {

std::string read_standard_input(std::string_view command, std::int64_t held_per_byte) {
  std::string text;
  std::array<char, 1 << 16> buffer;
  std::size_t next_question = std::size_t{1} << 20;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), stdin)) > 0;) {
    text.append(buffer.data(), n);
    if (text.size() < next_question) continue;
    next_question *= 2;
    require_free_memory(
        command, std::array{MemoryPart{"the text from stdin and its conversion", held_per_byte * std::ssize(text)}},
        "a shorter text needs less");
  }
  if (std::ferror(stdin) != 0) throw IoError("stdin", "read", errno);
  return text;
}

}  // namespace multipl_moe
