#include "multipl_moe/data/evaluation_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// The concatenated documents, up to the first limit that is reached.
std::vector<Token> stream_of(const TokenFile& file, std::int64_t length, const EvaluationLimits& limits,
                             const Tokenizer& tokenizer) {
  // Includes the target of the last token.
  const std::int64_t most = limits.sequences > 0 ? limits.sequences * length + 1 : 0;
  std::vector<Token> stream;
  std::vector<Token> document;
  std::int64_t bytes = 0;
  for (std::int64_t i = 0; i < file.document_count(); ++i) {
    const std::int64_t size = file.document_size(i);
    const std::int64_t taken = limits.document_tokens > 0 ? std::min(size, limits.document_tokens) : size;
    document.resize(static_cast<std::size_t>(taken));
    file.read(file.document_begin(i), document);
    for (const Token token : document) {
      bytes += tokenizer.byte_length(token);
      if (limits.bytes > 0 && bytes > limits.bytes) return stream;
      stream.push_back(token);
      if (std::ssize(stream) == most) return stream;
    }
    stream.push_back(tokenizer.end_of_text());
    if (std::ssize(stream) == most) return stream;
  }
  return stream;
}

}  // namespace

EvaluationText evaluation_text(const TokenFile& file, std::int64_t length, const EvaluationLimits& limits,
                               const Tokenizer& tokenizer) {
  if (length < 1) throw UsageError(fmt::format("[--sequence-length] must be at least 1, found {}", length));
  const std::vector<Token> stream = stream_of(file, length, limits, tokenizer);
  const auto size = static_cast<std::int64_t>(stream.size());
  const std::int64_t sequences = size == 0 ? 0 : (size - 1) / length;
  if (sequences == 0)
    throw BadFile(file.path(), fmt::format("must hold a sequence of {}, found {} within the limits",
                                           counted(length, "tokens"), size));
  const auto end = stream.begin() + sequences * length;
  EvaluationText text{.sequences = sequences,
                      .length = length,
                      .tokens = {stream.begin(), end},
                      .targets = {stream.begin() + 1, end + 1}};
  for (const Token token : text.targets) text.bytes += tokenizer.byte_length(token);
  return text;
}

}  // namespace multipl_moe
