#include "multipl_moe/exercises/evaluator.hpp"

#include "support/catch.hpp"

namespace evaluator_test {

using namespace multipl_moe::exercises;

namespace {

Value of(const Function& function, const std::vector<Value>& arguments) {
  return Evaluator::result_of(function, arguments);
}

Function returning(Expression value) {
  return {{Type::integer, Type::integer}, Type::integer, {give(std::move(value))}};
}

Value applied(Op op, std::int64_t left, std::int64_t right) {
  return of(returning(binary(op, parameter(0), parameter(1))), {left, right});
}

}  // namespace

TEST_CASE("arithmetic and comparisons have the values that all languages agree on", "[exercises]") {
  CHECK(applied(Op::plus, 7, -9) == Value(-2));
  CHECK(applied(Op::minus, 7, 9) == Value(-2));
  CHECK(applied(Op::times, 7, -9) == Value(-63));
  CHECK(applied(Op::quotient, 17, 5) == Value(3));
  CHECK(applied(Op::remainder, 17, 5) == Value(2));
  for (const auto& [left, right] : {std::pair(1, 2), std::pair(2, 2), std::pair(3, 2)}) {
    CHECK(applied(Op::less, left, right) == Value(std::int64_t{left < right}));
    CHECK(applied(Op::greater, left, right) == Value(std::int64_t{left > right}));
    CHECK(applied(Op::equal, left, right) == Value(std::int64_t{left == right}));
    CHECK(applied(Op::unequal, left, right) == Value(std::int64_t{left != right}));
  }
}

TEST_CASE("of two conditions the second is computed only if it decides", "[exercises]") {
  for (const std::int64_t left : {0, 1})
    for (const std::int64_t right : {0, 1}) {
      CHECK(applied(Op::both, left, right) == Value(std::int64_t{left + right == 2}));
      CHECK(applied(Op::either, left, right) == Value(std::int64_t{left + right > 0}));
    }
  const Expression is_above_zero = binary(Op::greater, parameter(0), number(0));
  const Expression is_odd = binary(Op::remainder, parameter(0), number(2));
  CHECK(of(returning(binary(Op::both, is_above_zero, is_odd)), {-3, 0}) == Value(0));
  CHECK_THROWS_AS(of(returning(binary(Op::both, is_odd, is_above_zero)), {-3, 0}), NoCommonResult);
  const Expression is_below_zero = binary(Op::less, parameter(0), number(0));
  CHECK(of(returning(binary(Op::either, is_below_zero, is_odd)), {-3, 0}) == Value(1));
  CHECK_THROWS_AS(of(returning(binary(Op::either, is_odd, is_below_zero)), {-3, 0}), NoCommonResult);
}

TEST_CASE("texts are joined and repeated in order", "[exercises]") {
  const Function function{
      {Type::text}, Type::text, {give(binary(Op::join, repeated(parameter(0), 3), literal("kol")))}};
  CHECK(of(function, {std::string("ab")}) == Value("abababkol"));
  CHECK(of(function, {std::string()}) == Value("kol"));
}

TEST_CASE("a loop over elements appends to a list", "[exercises]") {
  const Expression item = local(Local::item);
  const Function function{
      {Type::list},
      Type::list,
      {declare(Local::result, empty_list()),
       each(Local::item, parameter(0),
            {branch(binary(Op::less, item, number(9)), {append(Local::result, binary(Op::plus, item, number(4)))})}),
       give(local(Local::result))}};
  CHECK(of(function, {List{3, 9, 8, 10, -1}}) == Value(List{7, 12, 3}));
  CHECK(of(function, {List{}}) == Value(List{}));
}

TEST_CASE("nested indices visit each pair once", "[exercises]") {
  const auto element = [](Local index) { return binary(Op::element, parameter(0), local(index)); };
  const Function function{
      {Type::list},
      Type::integer,
      {declare(Local::count, number(0)),
       indices(Local::i, number(0), parameter(0),
               {indices(Local::j, binary(Op::plus, local(Local::i), number(1)), parameter(0),
                        {branch(binary(Op::equal, binary(Op::plus, element(Local::i), element(Local::j)), number(12)),
                                {add(Local::count, number(1))})})}),
       give(local(Local::count))}};
  CHECK(of(function, {List{6, 6, 6}}) == Value(3));
  CHECK(of(function, {List{5, 7, 12, 0, 5}}) == Value(3));
  CHECK(of(function, {List{6}}) == Value(0));
}

TEST_CASE("a loop with a condition ends where a branch returns", "[exercises]") {
  const Expression rest = local(Local::rest);
  const Function function{
      {Type::integer},
      Type::integer,
      {declare(Local::rest, parameter(0)),
       loop(binary(Op::greater, rest, number(1)), {set(Local::rest, binary(Op::quotient, rest, number(2))),
                                                   branch(binary(Op::equal, rest, number(5)), {give(number(77))})}),
       give(rest)}};
  CHECK(of(function, {64}) == Value(1));
  CHECK(of(function, {21}) == Value(77));
}

TEST_CASE("calls for which languages differ have no result", "[exercises]") {
  CHECK_THROWS_AS(applied(Op::quotient, -1, 2), NoCommonResult);
  CHECK_THROWS_AS(applied(Op::remainder, -1, 2), NoCommonResult);
  CHECK_THROWS_AS(applied(Op::quotient, 1, 0), NoCommonResult);
  CHECK(applied(Op::times, largest_number, 1) == Value(largest_number));
  CHECK_THROWS_AS(applied(Op::times, largest_number / 2 + 1, 2), NoCommonResult);
  CHECK_THROWS_AS(applied(Op::minus, -largest_number, 1), NoCommonResult);
  const Function endless{
      {Type::integer},
      Type::integer,
      {declare(Local::rest, parameter(0)),
       loop(binary(Op::less, local(Local::rest), number(1)), {add(Local::rest, number(0))}), give(local(Local::rest))}};
  CHECK_THROWS_AS(of(endless, {0}), NoCommonResult);
  CHECK(of(endless, {1}) == Value(1));
  const Function outside{{Type::list}, Type::integer, {give(binary(Op::element, parameter(0), number(2)))}};
  CHECK_THROWS_AS(of(outside, {List{1, 2}}), NoCommonResult);
  CHECK(of(outside, {List{1, 2, 3}}) == Value(3));
  const Function without_end{{Type::integer}, Type::integer, {branch(parameter(0), {give(number(1))})}};
  CHECK_THROWS_AS(of(without_end, {0}), NoCommonResult);
}

}  // namespace evaluator_test
