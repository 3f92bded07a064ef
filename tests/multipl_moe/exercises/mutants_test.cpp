#include "multipl_moe/exercises/mutants.hpp"

#include <algorithm>

#include "support/catch.hpp"

namespace mutants_test {

using namespace multipl_moe::exercises;

namespace {

const Expression& value_of(const Mutant& mutant) { return mutant.function.body.back().value; }

std::ptrdiff_t count(const std::vector<Mutant>& mutants, Mistake mistake) {
  return std::count_if(mutants.begin(), mutants.end(),
                       [mistake](const Mutant& each) { return each.mistake == mistake; });
}

}  // namespace

TEST_CASE("mutants change one constant or one operator", "[exercises]") {
  const Function function{{Type::integer}, Type::integer, {give(binary(Op::times, parameter(0), number(41)))}};
  const std::vector<Mutant> mutants = mutants_of(function);
  REQUIRE(mutants.size() == 6);
  CHECK(count(mutants, Mistake::other_operator) == 2);
  CHECK(value_of(mutants[0]).op == Op::plus);
  CHECK(value_of(mutants[1]).op == Op::minus);
  std::vector<std::int64_t> constants;
  for (std::size_t i = 2; i < 6; ++i) {
    CHECK(value_of(mutants[i]).op == Op::times);
    constants.push_back(value_of(mutants[i]).parts[1].number);
  }
  CHECK(constants == std::vector<std::int64_t>{44, 39, 42, 40});
  CHECK(count(mutants, Mistake::off_by_one) == 2);
}

TEST_CASE("mutants join conditions in the other way", "[exercises]") {
  const Expression condition = binary(Op::both, parameter(0), binary(Op::either, parameter(0), parameter(0)));
  const std::vector<Mutant> mutants = mutants_of({{Type::integer}, Type::integer, {give(condition)}});
  REQUIRE(mutants.size() == 2);
  CHECK(value_of(mutants[0]).op == Op::either);
  CHECK(value_of(mutants[0]).parts[1].op == Op::either);
  CHECK(value_of(mutants[1]).op == Op::both);
  CHECK(value_of(mutants[1]).parts[1].op == Op::both);
}

TEST_CASE("no mutant has a negative constant or repeats a text less than once", "[exercises]") {
  const Function function{
      {Type::text}, Type::text, {give(binary(Op::join, repeated(parameter(0), 1), literal("kol")))}};
  for (const Mutant& mutant : mutants_of(function)) {
    const std::vector<Expression>& parts = value_of(mutant).parts;
    CHECK(std::all_of(parts.begin(), parts.end(),
                      [](const Expression& part) { return part.op != Op::repeat || part.number >= 1; }));
  }
  const Function zero{{}, Type::integer, {give(number(0))}};
  for (const Mutant& mutant : mutants_of(zero)) CHECK(value_of(mutant).number > 0);
}

TEST_CASE("mutants reach the bodies of statements", "[exercises]") {
  const Function function{
      {Type::integer},
      Type::integer,
      {branch(binary(Op::less, parameter(0), parameter(0)), {give(literal("ab"))}), give(parameter(0))}};
  const std::vector<Mutant> mutants = mutants_of(function);
  REQUIRE(mutants.size() == 4);
  CHECK(mutants[0].function.body[0].value.op == Op::greater);
  CHECK(mutants[2].function.body[0].body[0].value.text == "kb");
  CHECK(mutants[3].function.body[0].body[0].value.text == "a");
}

}  // namespace mutants_test
