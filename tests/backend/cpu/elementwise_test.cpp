#include "moe/backend/cpu/elementwise.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace elementwise_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

}  // namespace

TEST_CASE("column sums and sums of squares equal those of plain loops", "[cpu]") {
  Draw draw("sums");
  const auto x = random_matrix<double, B>(draw, 77, 130);
  auto y = random_matrix<double, B>(draw, 1, 130);
  std::vector<double> expected = values_of(y);
  double squares = 0;
  for (Index r = 0; r < 77; ++r)
    for (Index c = 0; c < 130; ++c) {
      expected[static_cast<std::size_t>(c)] += x.view()(r, c);
      squares += x.view()(r, c) * x.view()(r, c);
    }
  B::add_column_sums(context, x, y.view());
  CHECK(relative_deviation(expected, values_of(y)) < 1e-14);
  Matrix<double, B> sum(1, 1);
  B::sum_of_squares(context, x.view(), sum.view());
  CHECK(sum.data()[0] == Catch::Approx(squares).epsilon(1e-13));
}

TEST_CASE("every index, cell and row is visited once", "[cpu]") {
  std::vector<int> indices(9000), elements(9000), cells(77 * 3), rows(77), tasks(5);
  const auto count = [](std::vector<int>& met, Index i) { ++met[static_cast<std::size_t>(i)]; };
  B::for_each(context, 9000, [&](Index i) { count(indices, i); });
  B::for_each_element(context, 9000, [&](Index i) { count(elements, i); });
  B::for_each_cell(context, 77, 3, [&](Index r, Index c) { count(cells, r * 3 + c); });
  B::for_each_row(context, 77, [&](Index r, B::Team team) { rows[static_cast<std::size_t>(r)] += int(team.size()); });
  B::for_each_on_host(context, 5, [&](Index i) { count(tasks, i); });
  for (const auto* met : {&indices, &elements, &cells, &rows, &tasks})
    CHECK(std::all_of(met->begin(), met->end(), [](int times) { return times == 1; }));
}

}  // namespace elementwise_test
