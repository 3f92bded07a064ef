#define PCRE2_CODE_UNIT_WIDTH 8
#include "multipl_moe/tokenizer/word_splitter.hpp"

#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <new>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/pattern.hpp"
#include "multipl_moe/tokenizer/unicode.hpp"

namespace multipl_moe {

namespace {

/// A megabyte of spaces takes two steps per byte; a match that takes this many would practically never end.
constexpr std::uint32_t most_steps = 100'000'000;
/// KiB of heap that the matcher without JIT may use for backtracking positions.
constexpr std::uint32_t most_heap = 32 << 10;
constexpr std::size_t jit_stack_begin = 32 << 10;
constexpr std::size_t jit_stack_end = 16 << 20;

template <auto Free>
struct Freed {
  template <class Value>
  void operator()(Value* value) const {
    Free(value);
  }
};

template <class Value>
Value* allocated(Value* value) {
  if (value == nullptr) throw std::bad_alloc();
  return value;
}

std::string message_of(int error) {
  std::array<PCRE2_UCHAR8, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

struct WordSplitter::Code {
  std::unique_ptr<pcre2_code, Freed<pcre2_code_free>> compiled;
  bool has_jit = false;
};

struct WordSplitter::Walk::State {
  const pcre2_code* code;
  bool has_jit;
  std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>> match;
  std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>> context;
  std::unique_ptr<pcre2_jit_stack, Freed<pcre2_jit_stack_free>> stack;
  std::string older;
  std::string_view text;
  std::size_t at = 0;
  std::size_t match_end = 0;  ///< end of a match whose preceding gap was returned as a word; 0: none
};

WordSplitter::WordSplitter(std::string_view pattern, const std::filesystem::path& path)
    : code_(std::make_unique<Code>()) {
  const std::string translated = pcre2_pattern(pattern, path);
  int error = 0;
  std::size_t offset = 0;
  code_->compiled.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR8>(translated.data()), translated.size(),
                                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE, &error,
                                      &offset, nullptr));
  if (!code_->compiled)
    throw BadFile(path, fmt::format("the pattern must compile: {}, found '{}'", message_of(error), escaped(pattern)));
  std::uint32_t matches_empty = 0;
  pcre2_pattern_info(code_->compiled.get(), PCRE2_INFO_MATCHEMPTY, &matches_empty);
  if (matches_empty != 0)
    throw BadFile(path, fmt::format("the pattern must not match the empty text, found '{}'", escaped(pattern)));
  // A system may forbid JIT compilation; the matcher without it is slower but gives the same results.
  code_->has_jit = pcre2_jit_compile(code_->compiled.get(), PCRE2_JIT_COMPLETE) == 0;
}

WordSplitter::~WordSplitter() = default;

WordSplitter::Walk::Walk(const WordSplitter& splitter) : state_(std::make_unique<State>()) {
  state_->code = splitter.code_->compiled.get();
  state_->has_jit = splitter.code_->has_jit;
  state_->match.reset(allocated(pcre2_match_data_create_from_pattern(state_->code, nullptr)));
  state_->context.reset(allocated(pcre2_match_context_create(nullptr)));
  pcre2_set_match_limit(state_->context.get(), most_steps);
  pcre2_set_depth_limit(state_->context.get(), most_steps);
  pcre2_set_heap_limit(state_->context.get(), most_heap);
  if (!state_->has_jit) return;
  state_->stack.reset(allocated(pcre2_jit_stack_create(jit_stack_begin, jit_stack_end, nullptr)));
  pcre2_jit_stack_assign(state_->context.get(), nullptr, state_->stack.get());
}

WordSplitter::Walk::Walk(Walk&&) noexcept = default;
WordSplitter::Walk::~Walk() = default;

void WordSplitter::Walk::begin(std::string_view text) {
  state_->text = with_older_characters(text, state_->older);
  state_->at = 0;
  state_->match_end = 0;
}

std::size_t WordSplitter::Walk::next_end() {
  State& s = *state_;
  if (s.match_end > s.at) return s.at = s.match_end;
  if (s.at == s.text.size()) return s.at;
  const auto run = s.has_jit ? pcre2_jit_match : pcre2_match;
  const int result = run(s.code, reinterpret_cast<PCRE2_SPTR8>(s.text.data()), s.text.size(), s.at, PCRE2_NO_UTF_CHECK,
                         s.match.get(), s.context.get());
  if (result == PCRE2_ERROR_NOMATCH) return s.at = s.text.size();
  if (result < 0)
    throw Failure(fmt::format("[tokenizer] the pattern must find each word within {} steps, at byte {} of a text: {}",
                              most_steps, s.at, message_of(result)));
  const std::size_t* const found = pcre2_get_ovector_pointer(s.match.get());
  s.match_end = found[1];
  return s.at = found[0] > s.at ? found[0] : s.match_end;
}

}  // namespace multipl_moe
