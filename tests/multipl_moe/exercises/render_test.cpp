#include "multipl_moe/exercises/render.hpp"

#include "multipl_moe/exercises/families.hpp"
#include "support/catch.hpp"

namespace render_test {

using namespace multipl_moe;
using namespace multipl_moe::exercises;

namespace {

struct Example {
  Function function{{Type::list},
                    Type::integer,
                    {declare(Local::total, number(0)),
                     each(Local::item, parameter(0),
                          {branch(binary(Op::equal, binary(Op::remainder, local(Local::item), number(7)), number(0)),
                                  {add(Local::total, binary(Op::times, local(Local::item), local(Local::item)))})}),
                     give(local(Local::total))}};
  Names names{{"fold", "value", "now"}, {"xs"}};
  std::vector<Call> calls{{{List{7, 8}}, 49}, {{List{}}, 0}};

  std::string program(Language language) const {
    const Rendering& r = rendering_of(language);
    return r.preamble() + r.heading(function, names, "Return it.") + r.body(function, names) + "\n" +
           r.tests(r.name_of(names.function), calls);
  }
};

/// The value as the body of a function in a language.
std::string written(Language language, const Expression& value) {
  const Function function{{Type::text, Type::integer}, Type::integer, {give(value)}};
  return rendering_of(language).body(function, {{"a", "b", "c"}, {"s", "k"}});
}

}  // namespace

TEST_CASE("a problem is a program in each language", "[exercises]") {
  const Example example;
  CHECK(example.program(Language::python) == R"(def fold_value_now(xs: list[int]) -> int:
    """Return it."""
    total = 0
    for item in xs:
        if item % 7 == 0:
            total += item * item
    return total

def check(candidate):
    assert candidate([7, 8]) == 49
    assert candidate([]) == 0

check(fold_value_now)
)");
  CHECK(example.program(Language::java) == R"(import java.util.*;

class Problem {
    // Return it.
    public static int foldValueNow(List<Integer> xs) {
        int total = 0;
        for (int item : xs) {
            if (item % 7 == 0) {
                total += item * item;
            }
        }
        return total;
    }
    public static void main(String[] args) {
    assert(foldValueNow(List.of(7, 8)) == (49));
    assert(foldValueNow(List.of()) == (0));
    }

}
)");
  CHECK(example.program(Language::cpp) == R"(#include <cassert>
#include <string>
#include <vector>

// Return it.
int fold_value_now(const std::vector<int>& xs) {
    int total = 0;
    for (int item : xs) {
        if (item % 7 == 0) {
            total += item * item;
        }
    }
    return total;
}
int main() {
    auto candidate = fold_value_now;
    assert(candidate((std::vector<int>{7, 8})) == (49));
    assert(candidate((std::vector<int>{})) == (0));
}
)");
  CHECK(example.program(Language::rust) == R"(/// Return it.
fn fold_value_now(xs: &[i64]) -> i64 {
    let mut total = 0;
    for &item in xs {
        if item % 7 == 0 {
            total += item * item;
        }
    }
    total
}

fn main() {
    let candidate = fold_value_now;
    assert_eq!(candidate(&[7, 8]), 49);
    assert_eq!(candidate(&[]), 0);
}
)");
  CHECK(example.program(Language::go) == R"(package exercise_test

import (
	"fmt"
	"strings"
	"testing"
)

// Return it.
func foldValueNow(xs []int) int {
	total := 0
	for _, item := range xs {
		if item % 7 == 0 {
			total += item * item
		}
	}
	return total
}

var _ = strings.Repeat

func TestExercise(t *testing.T) {
	candidate := foldValueNow
	check := func(found, expected interface{}) {
		if fmt.Sprint(found) != fmt.Sprint(expected) {
			t.Fatalf("found %v, expected %v", found, expected)
		}
	}
	check(candidate([]int{7, 8}), 49)
	check(candidate([]int{}), 0)
}
)");
  CHECK(example.program(Language::ruby) == R"(# Return it.
def fold_value_now(xs)
  total = 0
  xs.each do |item|
    if item % 7 == 0
      total += item * item
    end
  end
  total
end

def check(found, expected)
  raise "found #{found}, expected #{expected}" unless found == expected
end

check(fold_value_now([7, 8]), 49)
check(fold_value_now([]), 0)
)");
}

TEST_CASE("parentheses are written where an operator binds less than the one around it", "[exercises]") {
  const Expression k = parameter(1);
  const auto plain = [&](const Expression& value) { return written(Language::ruby, value); };
  CHECK(plain(binary(Op::times, binary(Op::plus, k, number(2)), number(3))) == "  (k + 2) * 3\nend");
  CHECK(plain(binary(Op::plus, binary(Op::times, k, number(2)), number(3))) == "  k * 2 + 3\nend");
  CHECK(plain(binary(Op::minus, k, binary(Op::minus, k, number(3)))) == "  k - (k - 3)\nend");
  CHECK(plain(binary(Op::minus, binary(Op::minus, k, number(2)), number(3))) == "  k - 2 - 3\nend");
}

TEST_CASE("conditions are joined by each language's own words and parentheses", "[exercises]") {
  const Expression k = parameter(1);
  const Expression p = binary(Op::less, k, number(2)), q = binary(Op::greater, k, number(5));
  const Expression r = binary(Op::unequal, binary(Op::remainder, k, number(3)), number(0));
  const Expression both_of_either = binary(Op::both, p, binary(Op::either, q, r));
  const Expression either_of_both = binary(Op::either, p, binary(Op::both, q, r));
  const Expression both_first = binary(Op::either, binary(Op::both, p, q), r);
  const Expression all = binary(Op::both, binary(Op::both, p, q), r);
  const Expression any = binary(Op::either, binary(Op::either, p, q), r);
  CHECK(written(Language::python, both_of_either) == "    return k < 2 and (k > 5 or k % 3 != 0)");
  CHECK(written(Language::python, either_of_both) == "    return k < 2 or k > 5 and k % 3 != 0");
  CHECK(written(Language::java, both_of_either) == "        return k < 2 && (k > 5 || k % 3 != 0);");
  CHECK(written(Language::java, either_of_both) == "        return k < 2 || k > 5 && k % 3 != 0;");
  CHECK(written(Language::cpp, both_of_either) == "    return k < 2 && (k > 5 || k % 3 != 0);");
  CHECK(written(Language::cpp, either_of_both) == "    return k < 2 || (k > 5 && k % 3 != 0);");
  CHECK(written(Language::cpp, both_first) == "    return (k < 2 && k > 5) || k % 3 != 0;");
  CHECK(written(Language::cpp, all) == "    return k < 2 && k > 5 && k % 3 != 0;");
  CHECK(written(Language::cpp, any) == "    return k < 2 || k > 5 || k % 3 != 0;");
  CHECK(written(Language::rust, both_of_either) == "    k < 2 && (k > 5 || k % 3 != 0)");
  CHECK(written(Language::go, either_of_both) == "\treturn k < 2 || k > 5 && k % 3 != 0\n}");
  CHECK(written(Language::ruby, both_of_either) == "  k < 2 && (k > 5 || k % 3 != 0)\nend");
  CHECK(written(Language::ruby, binary(Op::either, p, binary(Op::either, q, r))) ==
        "  k < 2 || (k > 5 || k % 3 != 0)\nend");
}

TEST_CASE("texts are joined by each language's own means", "[exercises]") {
  const Expression last = binary(Op::join, repeated(parameter(0), 3), literal("kol"));
  const Expression front = binary(Op::join, literal("kol"), repeated(parameter(0), 2));
  const Expression once = binary(Op::join, parameter(0), literal("kol"));
  CHECK(written(Language::python, last) == "    return s * 3 + \"kol\"");
  CHECK(written(Language::java, last) == "        return s.repeat(3) + \"kol\";");
  CHECK(written(Language::cpp, last) == "    return s + s + s + \"kol\";");
  CHECK(written(Language::cpp, front) == "    return \"kol\" + s + s;");
  CHECK(written(Language::rust, last) == "    s.repeat(3) + \"kol\"");
  CHECK(written(Language::rust, front) == "    \"kol\".to_string() + &s.repeat(2)");
  CHECK(written(Language::rust, once) == "    s.to_string() + \"kol\"");
  CHECK(written(Language::go, last) == "\treturn strings.Repeat(s, 3) + \"kol\"\n}");
  CHECK(written(Language::ruby, last) == "  s * 3 + \"kol\"\nend");
}

TEST_CASE("no right answer contains one of its language's stop texts", "[exercises]") {
  Draws draws(3, "render test");
  for (const Family family : all_families)
    for (int i = 0; i < 20; ++i) {
      const Exercise exercise = draw_exercise(family, draws);
      const Names names = draw_names(exercise.function, draws);
      for (const Language language : all_languages) {
        const Rendering& rendering = rendering_of(language);
        for (const std::string& stop : rendering.stop_texts())
          CHECK(rendering.body(exercise.function, names).find(stop) == std::string::npos);
      }
    }
}

}  // namespace render_test
