/// Random valid and invalid arguments for public functions, and the expected outcome of the calls.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace moe::testing {

/// The expected outcome of a call: a result, an Error, or either, if the test cannot predict which.
enum class Verdict { right, either, wrong };

inline Verdict right_if(bool holds) { return holds ? Verdict::right : Verdict::wrong; }
/// The verdict on a call with several arguments: one invalid argument is enough.
inline Verdict operator&(Verdict a, Verdict b) { return std::max(a, b); }

/// Runs the call and checks its outcome. TypedPointer but a result or an Error fails the test: std::bad_alloc, an
/// assertion, a sanitizer's report. Returns whether there was a result.
template <class Call>
bool attempt(Verdict verdict, const char* what, const Call& call) {
  INFO(what);
  bool came = false;
  std::string refusal;
  try {
    call();
    came = true;
  } catch (const Error& error) {
    refusal = error.what();
  }
  INFO((came ? "the call returned a result" : refusal));
  if (verdict != Verdict::either) CHECK(came == (verdict == Verdict::right));
  // The text of an Error has the form that require() produces.
  if (!came) CHECK((refusal.starts_with("[") && refusal.find("] ") != std::string::npos));
  return came;
}

/// Runs run(draw) for `cases` cases. MOE_TEST_CASE selects a single case; with MOE_TEST_TRACE each case is printed
/// before it runs, for errors that end the program.
template <class Case>
void for_each_case(const char* name, std::uint32_t cases, const Case& run) {
  const char* const only = std::getenv("MOE_TEST_CASE");
  for (std::uint32_t i = 0; i < cases; ++i) {
    if (only != nullptr && std::strtoul(only, nullptr, 10) != i) continue;
    if (std::getenv("MOE_TEST_TRACE") != nullptr) std::fprintf(stderr, "%s: case %u\n", name, i);
    INFO("MOE_TEST_SEED=" << seed() << " MOE_TEST_CASE=" << i << " of " << name);
    Draw draw(name, i);
    run(draw);
  }
}

template <class T>
T one_of(Draw& draw, const std::vector<T>& values) {
  return values[static_cast<std::size_t>(draw.between(0, std::ssize(values) - 1))];
}

/// Numbers that are invalid for a setting, and some that are valid.
inline double any_number(Draw& draw) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  return one_of<double>(draw, {-1, 0, 0.5, 0.9, 1, 2, -1e-8, 1e300, nan, inf, -inf});
}

/// Rows in memory of exactly their size.
struct Rows {
  std::unique_ptr<double[]> values;
  Index rows = 0, cols = 0;
  bool is_null = false;

  View<const double, Cpu<>> view() const { return {is_null ? nullptr : values.get(), rows, cols}; }
  /// The verdict on these rows as an argument that must have `width` columns.
  Verdict fits(Index width) const { return right_if(rows >= 0 && cols == width && (!is_null || rows * cols == 0)); }
};
inline Rows any_rows(Draw& draw, Index rows, Index width) {
  Rows result{nullptr, rows, width, false};
  if (draw.one_in(8)) result.rows = draw.between(-1, 9);
  if (draw.one_in(8)) result.cols = draw.between(0, 9);
  result.is_null = draw.one_in(12);
  const Index size = std::max<Index>(result.rows, 0) * result.cols;
  result.values = std::make_unique<double[]>(static_cast<std::size_t>(size));
  for (Index i = 0; i < size; ++i) result.values[static_cast<std::size_t>(i)] = draw.normal();
  return result;
}

/// Ids of rows, or none, and the verdict on them for the given number of rows.
struct Ids {
  std::vector<std::int32_t> values;
  Verdict verdict = Verdict::right;
};
inline Ids any_ids(Draw& draw, Index rows) {
  Ids ids;
  if (draw.one_in(2)) return ids;
  const Index count = draw.one_in(10) ? draw.between(0, 9) : std::max<Index>(rows, 0);
  const std::int32_t least = draw.one_in(10) ? -3 : -1;
  for (Index i = 0; i < count; ++i) ids.values.push_back(static_cast<std::int32_t>(draw.between(least, 5)));
  ids.verdict = right_if(count == 0 || count == rows);
  for (const std::int32_t id : ids.values) ids.verdict = ids.verdict & right_if(id >= -1);
  return ids;
}

/// A batch and the verdict on it for the given number of rows.
struct AnyBatch {
  Batch batch;
  Ids tokens, languages;
  Verdict verdict = Verdict::right;
};
inline AnyBatch any_batch(Draw& draw, Index rows) {
  AnyBatch any{{}, any_ids(draw, rows), any_ids(draw, rows), Verdict::right};
  std::vector<Index>& offsets = any.batch.offsets;
  offsets = {0};
  while (offsets.back() < rows) offsets.push_back(std::min(rows, offsets.back() + draw.between(0, 4)));
  if (draw.one_in(10)) offsets.push_back(draw.between(-2, 9));
  if (draw.one_in(20)) offsets.front() = draw.between(-1, 1);
  if (draw.one_in(30)) offsets.clear();
  any.batch.tokens = any.tokens.values;
  any.batch.languages = any.languages.values;
  any.batch.random = StepKey{.seed = 1, .step = draw.between(0, 3)};
  any.verdict = any.tokens.verdict & any.languages.verdict &
                right_if(!offsets.empty() && offsets.front() == 0 && offsets.back() == rows &&
                         std::is_sorted(offsets.begin(), offsets.end()));
  return any;
}

}  // namespace moe::testing
