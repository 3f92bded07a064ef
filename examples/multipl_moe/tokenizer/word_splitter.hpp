#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

namespace multipl_moe {

/// Splits text into words by a regular expression: each match is a word, and so is the text between two matches.
class WordSplitter {
 public:
  /// `pattern` as in tokenizer files. Throws BadFile, which names `path`, if it does not compile, can match the empty
  /// text, or is refused by pcre2_pattern().
  WordSplitter(std::string_view pattern, const std::filesystem::path& path);
  WordSplitter(const WordSplitter&) = delete;
  WordSplitter& operator=(const WordSplitter&) = delete;
  ~WordSplitter();

  /// Iterates over the words of a text. The splitter must outlive it; several walks may be in progress at once.
  class Walk {
   public:
    explicit Walk(const WordSplitter& splitter);
    Walk(Walk&&) noexcept;
    ~Walk();

    /// Starts a walk over `text`, which must be UTF-8 and must stay valid during the walk.
    void begin(std::string_view text);
    /// The end of the next word, or the text's size at its end. Throws Failure if the expression exceeds the step
    /// limit.
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
