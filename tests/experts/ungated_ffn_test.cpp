#include "moe/experts/ungated_ffn.hpp"

#include "moe/experts/always_on_path.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {
using Path = UngatedFfn<SwiGlu<double, Cpu<>>>;
const CpuContext context{.threads = 2};
static_assert(AlwaysOn<Path, double, Cpu<>>);
}  // namespace

TEST_CASE("an FFN without a gate adds its answer, and its gradients", "[modules][gradient]") {
  Draw draw("ungated");
  Path path(4, 6);
  randomise(draw, path);
  auto x = random_matrix<double, Cpu<>>(draw, 20, 4, 0.5);
  const auto c = random_matrix<double, Cpu<>>(draw, 20, 4), base = random_matrix<double, Cpu<>>(draw, 20, 4);
  const auto run = [&] {
    auto y = base.copy();
    path.finish(context, path.begin(context, x), y.view());
    return y;
  };
  const auto y = run(), ffn = path.ffn.infer(context, x, Batch::single(20));
  for (Index i = 0; i < y.size(); ++i)
    CHECK(y.data()[i] == Catch::Approx(base.data()[i] + ffn.data()[i]).epsilon(1e-13).margin(1e-14));

  const auto loss = [&] { return inner(c, run()); };
  Path gradient = gradient_for(path);
  auto d_x = base.copy();
  auto ignored = base.copy();
  auto saved = path.finish(context, path.begin(context, x), ignored.view());
  path.backward(context, c, x, std::move(saved), d_x.view(), gradient);
  for (Index i = 0; i < d_x.size(); ++i) d_x.data()[i] -= base.data()[i];
  check_component_gradients("x", x, d_x, loss, component_bar);
  for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& d_weight) {
        check_component_gradients(name, weight, d_weight, loss, component_bar);
      },
      path, gradient);
}
