/// Whether a model's predictions know later tokens, or tokens of other sequences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/eval/causality.hpp"
#include "multipl_moe/probe/leak_bounds.hpp"
#include "multipl_moe/probe/random_text.hpp"

namespace multipl_moe::probe {

struct LeakOptions {
  std::int64_t sequences = 4;  ///< per batch
  std::int64_t length = 256;   ///< tokens of a sequence, T
  std::int64_t lines = 1024;   ///< of random letters
  std::int64_t windows = 64;   ///< sequences of a text that are scored again, each prefix alone
  std::int64_t positions = 8;  ///< of each window; 0: all
  std::uint64_t seed = 0;
  std::string alphabet{};  ///< a name in `alphabets`; empty: the first in which every letter is a token
};

/// Predictions of random letters. Every letter and every line end is a token of one byte.
struct RandomScores {
  LetterScores letters;
  std::int64_t targets = 0, hits = 0;         ///< of all tokens, line ends included
  double bits = 0;                            ///< of all tokens
  double accuracy_error = 0, bits_error = 0;  ///< standard errors over sequences, of accuracy() and bits_per_byte()

  double accuracy() const { return static_cast<double>(hits) / static_cast<double>(targets); }
  double bits_per_byte() const { return bits / static_cast<double>(targets); }
  /// The mean of a model that knows every line end and guesses letters.
  double most_accuracy() const;
  double least_bits() const;
};

/// The same tokens, scored with the rest of their batch and with their own prefix alone, as a text that is generated.
struct PrefixScores {
  std::int64_t tokens = 0;
  double claimed = 0, decodable = 0;  ///< bits per byte
  double error = 0;                   ///< standard error of decodable - claimed, over windows
};

/// Decisions of routers that were made again with other tokens.
struct DecisionChanges {
  std::int64_t compared = 0, changed = 0;
  double share() const { return static_cast<double>(changed) / static_cast<double>(compared); }
};

struct TextLeak {
  std::string text;
  PrefixScores prefixes;
  DecisionChanges last_half;  ///< segments and layers whose experts change with the last half of the segment
  DecisionChanges neighbors;  ///< tokens, segments and layers whose experts change with the batch's other sequences
};

enum class LeakVerdict {
  none,         ///< nothing depends on later tokens or other sequences
  looks_ahead,  ///< something does, but random letters are not predicted better for it
  leaks         ///< random letters are predicted better than a causal model can
};

struct LeakReport {
  Alphabet alphabet = alphabets.front();
  RandomScores random;
  Causality causality;
  std::vector<TextLeak> texts;  ///< random letters, then the held-out text of each language

  LeakVerdict verdict() const;
};

/// The alphabet of that name, or the first one of which every letter is a token for itself. Throws UsageError if there
/// is none, or if two letters of the named one can be one token: the bound would not hold.
Alphabet alphabet_for(const std::string& name, const Tokenizer& tokenizer);

/// Scores random letters, and with `files` also that text, which may be empty. Throws UsageError if the random text is
/// shorter than a sequence, and as alphabet_for(); BadFile if a file holds less than one sequence; Failure if
/// predictions are no numbers.
LeakReport measure_leak(LanguageModel& model, const LanguageFiles& files, const LeakOptions& options);

}  // namespace multipl_moe::probe
