#include "multipl_moe/probe/random_corpus.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/io/atomic_folder.hpp"

namespace multipl_moe::probe {

namespace {

constexpr std::array<std::string_view, language_count> extensions{".py", ".java", ".cpp", ".rs", ".go", ".rb"};

}  // namespace

std::int64_t write_random_corpus(const RandomCorpus& corpus, const std::filesystem::path& folder) {
  constexpr auto languages = static_cast<std::int64_t>(language_count);
  const std::int64_t of_language = (corpus.lines + languages * lines_of_file - 1) / (languages * lines_of_file);
  std::int64_t written = 0;
  save_folder_atomically(folder, [&](const std::filesystem::path& made) {
    for (std::int64_t i = 0; i < of_language; ++i)
      for (const std::string_view extension : extensions) {
        const auto number = static_cast<std::uint32_t>(written++);
        write_file_atomically(made / fmt::format("random_{:05}{}", number, extension),
                              random_lines(corpus.alphabet, lines_of_file, corpus.seed, TextUse::training, number));
      }
  });
  return written;
}

}  // namespace multipl_moe::probe
