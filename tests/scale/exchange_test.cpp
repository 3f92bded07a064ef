#include "moe/comm/exchange.hpp"

#include <algorithm>
#include <stdexcept>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks_over.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/slow_build.hpp"
#include "support/thread_comm.hpp"

namespace exchange_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// Owners of experts, and the load of each expert on each rank, which all ranks draw alike.
struct Case {
  std::vector<int> owner;
  std::vector<std::vector<Index>> load;
  Index width = 1;

  Case(Draw& draw, int ranks) {
    const Index experts = draw.between(1, 7), kind = draw.between(0, 3);
    width = draw.between(1, 3);
    for (Index e = 0; e < experts; ++e)
      owner.push_back(kind == 1 ? ranks - 1 : static_cast<int>(draw.between(draw.one_in(4) ? -1 : 0, ranks - 1)));
    if (kind == 0) std::sort(owner.begin(), owner.end());
    load.assign(static_cast<std::size_t>(ranks), std::vector<Index>(owner.size(), 0));
    for (auto& of_rank : load)
      if (!draw.one_in(4))
        for (Index& rows : of_rank) rows = draw.one_in(3) ? 0 : draw.between(0, 9);
  }
};

double value(std::size_t rank, std::size_t expert, Index row, Index col) {
  return static_cast<double>(rank) * 1e6 + static_cast<double>(expert) * 1e4 + static_cast<double>(row * 10 + col);
}
void require_that(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

/// Throws if a row is not where it belongs after the way out or after the way back.
void check(const CpuContext& context, const Case& c, std::uint32_t number) {
  using Tensor = Matrix<double, Cpu<>>;
  const auto me = static_cast<std::size_t>(context.ranks->rank());
  std::vector<Index> offsets{0};
  for (const Index rows : c.load[me]) offsets.push_back(offsets.back() + rows);
  Tensor x(offsets.back(), c.width), weights(1, offsets.back());
  for (std::size_t e = 0; e < c.owner.size(); ++e)
    for (Index i = 0; i < c.load[me][e]; ++i)
      for (Index d = 0; d < c.width; ++d) {
        x.view()(offsets[e] + i, d) = value(me, e, i, d);
        weights.view()(0, offsets[e] + i) = -value(me, e, i, 0);
      }
  const Exchange<Cpu<>> exchange(context, {"test", number}, offsets, [&](std::size_t e) { return c.owner[e]; });
  auto there = exchange.out<double>(context, x.const_view());
  const auto weights_there = exchange.values_out<double>(context, weights.const_view());
  Index next = 0;
  for (std::size_t e = 0; e < c.owner.size(); ++e) {
    require_that(exchange.offsets()[e] == next, "offsets");
    for (std::size_t p = 0; p < c.load.size(); ++p) {
      const bool is_mine = c.owner[e] == static_cast<int>(me) || (c.owner[e] == Placement::everywhere && p == me);
      for (Index i = 0; is_mine && i < c.load[p][e]; ++i, ++next)
        for (Index d = 0; d < c.width; ++d) {
          require_that(there.view()(next, d) == value(p, e, i, d), "another row arrived");
          require_that(weights_there.view()(0, next) == -value(p, e, i, 0), "another weight arrived");
        }
    }
  }
  require_that(exchange.offsets().back() == next && exchange.rows() == next, "the number of rows");
  for (Index n = 0; n < next; ++n)
    for (double& v : there.view().row(n)) v += 0.5;
  const auto back = exchange.back<double>(context, there.const_view());
  require_that(back.rows() == x.rows() && back.cols() == x.cols(), "the shape on the way back");
  for (Index n = 0; n < x.rows(); ++n)
    for (Index d = 0; d < c.width; ++d)
      require_that(back.view()(n, d) == x.view()(n, d) + 0.5, "another row came back");
  require_that(same_bits(exchange.values_back<double>(context, weights_there.const_view()), weights),
               "another weight came back");
}

}  // namespace

TEST_CASE("rows reach the ranks of their experts, by expert, rank and row, and come back", "[scale]") {
  const std::uint32_t cases = is_slow_build ? 200 : 800;
  for (const int ranks : {1, 2, 3, 4})
    CHECK_NOTHROW(run_ranks(ranks, [&](ThreadComm comm) {
      CpuContext context{.threads = 1};
      context.ranks = ranks_over<Cpu<>>(std::move(comm));
      for (std::uint32_t i = 0; i < cases; ++i) {
        Draw draw("exchange", i);
        const Case c(draw, ranks);
        check(context, c, i);
      }
    }));
}

TEST_CASE("rows whose ranks ascend are sent from where they lie", "[scale]") {
  CHECK_NOTHROW(run_ranks(2, [](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<Cpu<>>(std::move(comm));
    const std::vector<Index> offsets{0, 2, 5};
    const Matrix<float, Cpu<>> x(5, 3);
    const Exchange<Cpu<>> exchange(context, {"test"}, offsets, [](std::size_t e) { return static_cast<int>(e); });
    context.ranks->reset_traffic();
    exchange.out<float>(context, x.const_view());
    const Index sent = context.ranks->traffic().at("test").bytes;
    require_that(sent == (context.ranks->rank() == 0 ? 3 : 2) * 3 * 4, "the bytes of the rows for the other rank");
    require_that(exchange.rows() == (context.ranks->rank() == 0 ? 4 : 6), "rows of both ranks");
  }));
}

}  // namespace exchange_test
