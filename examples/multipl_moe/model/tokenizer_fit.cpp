#include "multipl_moe/model/tokenizer_fit.hpp"
#include "multipl_moe/io/counted.hpp"

#include <fmt/format.h>

namespace multipl_moe {

std::optional<std::string> misfit_of(const Tokenizer& tokenizer, const ModelConfig& config) {
  if (tokenizer.vocab_size() <= config.vocab_size) return std::nullopt;
  return fmt::format("vocab_size must hold the tokenizer's {}, found {}; the tokenizer is {}",
                     counted(tokenizer.vocab_size(), "tokens"), config.vocab_size,
                     tokenizer.name() == byte_tokenizer()->name()
                         ? "the byte tokenizer, since no other was given or found next to the weights"
                         : "that of " + tokenizer.name());
}

}  // namespace multipl_moe
