#include "multipl_moe/exercises/problem.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "multipl_moe/exercises/evaluator.hpp"

namespace multipl_moe::exercises {

namespace {

constexpr std::array<std::string_view, 20> verbs{"get",  "find",  "take",  "make",  "build", "check", "pick",
                                                 "fold", "score", "rate",  "weigh", "merge", "split", "trim",
                                                 "read", "count", "track", "scan",  "form",  "solve"};
constexpr std::array<std::string_view, 20> nouns{"value", "stock", "price",  "level",  "signal", "ticket", "parcel",
                                                 "wagon", "field", "score",  "garden", "river",  "window", "marker",
                                                 "token", "cargo", "bridge", "shelf",  "letter", "barrel"};
constexpr std::array<std::string_view, 15> tails{"now",  "once",  "here",  "later", "today", "north", "south", "east",
                                                 "west", "alpha", "gamma", "delta", "red",   "blue",  "green"};

constexpr std::array<std::string_view, 6> integer_names{"x", "n", "a", "k", "m", "amount"};
constexpr std::array<std::string_view, 6> other_integer_names{"y", "b", "p", "q", "h", "other"};
constexpr std::array<std::string_view, 6> list_names{"xs", "values", "numbers", "data", "ns", "entries"};
constexpr std::array<std::string_view, 6> text_names{"s", "word", "text", "t", "line", "label"};

std::string draw_parameter(Type type, std::size_t place, Draws& draws) {
  switch (type) {
    case Type::integer:
      return std::string(draws.one_of(place == 0 ? integer_names : other_integer_names));
    case Type::list:
      return std::string(draws.one_of(list_names));
    default:
      return std::string(draws.one_of(text_names));
  }
}

/// Draws arguments of which many are near the constants of a function.
class Arguments {
 public:
  Arguments(const Function& function, Draws& draws) : draws_(draws) {
    for_each_expression(function.body, [this](const Expression& expression) {
      if (expression.op == Op::number && expression.number > 1) constants_.push_back(expression.number);
      if (expression.op == Op::remainder || expression.op == Op::quotient) least_ = 0;
    });
  }

  Value draw(Type type) {
    switch (type) {
      case Type::integer:
        return integer();
      case Type::list:
        return list();
      default:
        return text();
    }
  }

 private:
  std::int64_t constant() { return constants_.empty() ? 10 : draws_.one_of(constants_); }

  std::int64_t integer() {
    switch (draws_.below(4)) {
      case 0:
        return constant() + draws_.between(-1, 1);
      case 1:
        return constant() * draws_.between(1, 4);
      case 2:
        return draws_.between(least_, 20);
      default:
        return draws_.between(least_, 120);
    }
  }

  List list() {
    List numbers;
    const std::int64_t length = draws_.between(0, 6);
    while (std::ssize(numbers) < length) {
      const std::int64_t c = constant();
      std::int64_t next = integer();
      // Every third number adds or multiplies up to a constant together with the one before it.
      if (!numbers.empty() && draws_.below(3) == 0) {
        const std::int64_t before = numbers.back();
        next = before > 1 && c % before == 0 ? c / before : (std::max)(c - before, least_);
      }
      numbers.push_back(next);
    }
    return numbers;
  }

  std::string text() {
    std::string letters;
    const std::int64_t length = draws_.between(0, 5);
    while (std::ssize(letters) < length) letters.push_back(static_cast<char>('a' + draws_.between(0, 25)));
    return letters;
  }

  Draws& draws_;
  std::vector<std::int64_t> constants_;
  std::int64_t least_ = -20;
};

std::optional<Value> result_of(const Function& function, const std::vector<Value>& arguments) {
  try {
    return Evaluator::result_of(function, arguments);
  } catch (const NoCommonResult&) {
    return std::nullopt;
  }
}

/// The first of `calls` on which the mutant is wrong; empty if there is none, or if languages may differ on any.
std::optional<std::size_t> first_difference(const Function& mutant, const std::vector<Call>& calls) {
  std::optional<std::size_t> difference;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::optional<Value> result = result_of(mutant, calls[i].arguments);
    if (!result) return std::nullopt;
    if (!difference && *result != calls[i].result) difference = i;
  }
  return difference;
}

}  // namespace

Names draw_names(const Function& function, Draws& draws) {
  Names names{{std::string(draws.one_of(verbs)), std::string(draws.one_of(nouns)), std::string(draws.one_of(tails))},
              {}};
  for (std::size_t place = 0; place < function.parameters.size(); ++place)
    names.parameters.push_back(draw_parameter(function.parameters[place], place, draws));
  return names;
}

std::vector<Call> draw_calls(const Function& function, std::size_t count, Draws& draws) {
  Arguments arguments(function, draws);
  std::vector<Call> calls;
  std::set<std::vector<Value>> used;
  while (calls.size() < count) {
    std::vector<Value> drawn;
    for (const Type type : function.parameters) drawn.push_back(arguments.draw(type));
    if (!used.insert(drawn).second) continue;
    if (std::optional<Value> result = result_of(function, drawn))
      calls.push_back({std::move(drawn), *std::move(result)});
  }
  return calls;
}

std::optional<Tested> draw_tests(const Function& function, Draws& draws) {
  constexpr std::size_t pool_size = 60, first_calls = 4;
  const std::vector<Call> pool = draw_calls(function, pool_size, draws);
  std::vector<Mutant> mutants = mutants_of(function);
  std::vector<std::size_t> chosen(first_calls);
  for (std::size_t i = 0; i < first_calls; ++i) chosen[i] = i;
  std::array<std::vector<Function>, all_mistakes.size()> wrong;
  for (Mutant& mutant : mutants) {
    const std::optional<std::size_t> difference = first_difference(mutant.function, pool);
    if (!difference) continue;
    wrong[static_cast<std::size_t>(mutant.mistake)].push_back(mutant.function);
    const bool is_told_apart = std::any_of(chosen.begin(), chosen.end(), [&](std::size_t i) {
      return result_of(mutant.function, pool[i].arguments) != pool[i].result;
    });
    if (!is_told_apart) chosen.push_back(*difference);
  }
  Tested tested;
  for (const std::size_t i : chosen) tested.calls.push_back(pool[i]);
  for (const Mistake mistake : all_mistakes) {
    const std::vector<Function>& some = wrong[static_cast<std::size_t>(mistake)];
    if (some.empty()) return std::nullopt;
    tested.mutants[static_cast<std::size_t>(mistake)] = draws.one_of(some);
  }
  return tested;
}

}  // namespace multipl_moe::exercises
