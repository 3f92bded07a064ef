/// The sentences of the paper that can be tested, as claims.toml has them. The file was written before any run on the
/// test problems.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::reproduce {

/// What a claim is about.
enum class Measure {
  score,                ///< pass@1 of exercises, and bits per byte of real code
  expert_information,   ///< bits that a token's expert tells about the language, less those of permuted sequences
  segment_information,  ///< the same for the expert that selects a segment
  expert_spread,        ///< the greatest share of a token expert over its even share, less 1
  position_agreement,   ///< share of the two most selected segment positions that languages have in common
};

enum class Direction {
  better,  ///< a is better than each b
  worse,   ///< a is worse than each b
  kept,    ///< a is not worse than each b by the margin
  above,   ///< the measure exceeds the margin (for measures of one system)
  below    ///< the measure stays below the margin
};

struct Claim {
  std::string id, sentence;
  std::string source;  ///< where in the paper
  std::string family;  ///< table or figure; the tests of a family are corrected together
  Measure measure = Measure::score;
  Direction direction = Direction::better;
  std::string a;               ///< the system that the sentence is about
  std::vector<std::string> b;  ///< those that it is compared with; empty for measures of one system
  /// Groups of languages, each with its own comparison: high, low, all, or a language's name.
  std::vector<std::string> languages;
  std::string layer;  ///< bottom, middle or top; empty for scores
  /// For scores in points of pass@1, for the others in the unit of the measure. The size from which on a difference
  /// matters; for `kept` the largest loss that does not.
  double margin = 0;
  /// The system whose bits per byte stand for `a` on real code, since those of a model that is not causal are no score;
  /// empty if the sentence is tested on exercises only.
  std::string text_a;
  double text_margin = 0;  ///< in bits per byte
};

/// The claims of a file. `path` is named in errors. Throws BadFile, with the line, for anything but the known fields,
/// for missing ones, and for values that contradict each other.
std::vector<Claim> parse_claims(std::string_view text, const std::filesystem::path& path);

/// The languages of a group: high, low, all, or a language's name; empty for any other word.
std::vector<Language> languages_of_group(std::string_view group);

std::string_view name_of(Measure measure);
std::string_view name_of(Direction direction);

}  // namespace multipl_moe::reproduce
