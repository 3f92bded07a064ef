/// The demo's results, as a table and as statements that the numbers confirm or not.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/eval/evaluate.hpp"

namespace multipl_moe {

/// The models that the demo compares, each on the same held-out text.
struct DemoScores {
  Evaluation base;
  Evaluation start_fixed;       ///< upcycled, step 0, fusion 0.7/0.3
  Evaluation start_normalized;  ///< upcycled, step 0, normalized fusion
  Evaluation dense;             ///< the control: every weight post-trained
  Evaluation multipl;           ///< MultiPL-MoE, post-trained
};

/// A part of the demo that trains or evaluates, and its time.
struct DemoPart {
  std::string name;
  std::int64_t tokens = 0;
  double seconds = 0;
};

/// Bits per byte by model and language, means and their change against the base.
std::string demo_table(const DemoScores& scores);
/// The expected results, one per line: `yes` if the scores meet it, `NO` if not.
std::string demo_verdict(const DemoScores& scores);
/// Tokens, time and tokens per second of each part.
std::string demo_speeds(const std::vector<DemoPart>& parts);
std::string demo_json(const DemoScores& scores, const std::vector<DemoPart>& parts);

}  // namespace multipl_moe
