/// The problems of a set, and the functions of training files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/exercises/families.hpp"
#include "multipl_moe/exercises/key.hpp"
#include "multipl_moe/exercises/problem.hpp"

namespace multipl_moe::exercises {

/// A problem, the same in all languages.
struct Problem {
  std::string name;  ///< such as "test_017_fold"
  Stratum stratum = Stratum::nowhere;
  Exercise exercise;
  Names names;
  std::string sentence;  ///< with the names of the parameters
  Tested tested;
};

/// For dev and test `count` problems, half of them `nowhere` and half `transfer`; for wording count / 2. The levels,
/// and within a level the families, take turns. No two problems of a set have the same key. Throws UsageError if there
/// are not enough keys.
std::vector<Problem> draw_problems(Set set, std::int64_t count, std::uint64_t seed);

/// A function of a training file.
struct TrainingFunction {
  Exercise exercise;
  Names names;
  std::string sentence;
};

/// The functions of the training file with this number, with different names, each of draw_training_family().
std::vector<TrainingFunction> draw_training_functions(Language language, std::int64_t file, std::int64_t count,
                                                      std::uint64_t seed);

/// The text of a training file with these functions.
std::string training_text(Language language, const std::vector<TrainingFunction>& functions);

}  // namespace multipl_moe::exercises
