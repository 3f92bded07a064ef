#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

namespace multipl_moe {

/// Cuts text into words by a regular expression: each match is one, and so is what lies between two.
class WordSplitter {
 public:
  /// `pattern` as files have it. Throws BadFile naming `path` where it does not compile, may match the empty text, or
  /// says something that pcre2_pattern() refuses.
  WordSplitter(std::string_view pattern, const std::filesystem::path& path);
  WordSplitter(const WordSplitter&) = delete;
  WordSplitter& operator=(const WordSplitter&) = delete;
  ~WordSplitter();

  /// One walk along a text. The splitter must outlive it; several may walk at once.
  class Walk {
   public:
    explicit Walk(const WordSplitter& splitter);
    Walk(Walk&&) noexcept;
    ~Walk();

    /// From here on, `text`, which is UTF-8 and must stay while it is walked.
    void begin(std::string_view text);
    /// The end of the next word, at most the text's size; the text's size again at its end. Throws Failure where the
    /// expression takes more steps than a limit.
    std::size_t next_end();

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace multipl_moe
