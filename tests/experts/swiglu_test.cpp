#include "moe/experts/swiglu.hpp"

#include "moe/experts/expert.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/reference_moe.hpp"
#include "support/tolerance.hpp"

using namespace moe;
using namespace moe::testing;

namespace {
using Layer = SwiGlu<double, Cpu<>>;
const CpuContext context{.threads = 2};
static_assert(Expert<Layer>);
static_assert(std::is_same_v<SwiGlu<float, Cpu<>>::rebind<double>, Layer>);

reference::Rows rows(const Tensor& m) {
  reference::Rows result;
  for (Index r = 0; r < m.rows(); ++r) result.emplace_back(m.view().row(r).begin(), m.view().row(r).end());
  return result;
}
}  // namespace

TEST_CASE("SwiGlu answers as the reference does, and its gradients are those of central differences",
          "[modules][gradient]") {
  Draw draw("swiglu layer");
  Layer layer(5, 7);
  randomise(draw, layer);
  auto x = random_matrix<double, Cpu<>>(draw, 6, 5);
  const Batch batch = Batch::single(6);
  const auto answer = layer.infer(context, x, batch);
  for (Index t = 0; t < 6; ++t) {
    const auto expected = reference::ffn({rows(layer.gate_proj), rows(layer.up_proj), rows(layer.down_proj)},
                                         rows(x)[static_cast<std::size_t>(t)]);
    CHECK(relative_deviation(expected, rows(answer)[static_cast<std::size_t>(t)]) < 1e-12);
  }
  check_layer_gradients(layer, x, batch, 0, component_bar);
}

TEST_CASE("a SwiGlu of no rows works both ways", "[modules]") {
  const Layer layer(3, 4);
  auto run = layer.forward(context, Tensor(0, 3), Batch{});
  CHECK(run.output.rows() == 0);
  Layer gradient = gradient_for(layer);
  CHECK(layer.backward(context, Tensor(0, 3), {}, std::move(run.saved), gradient).rows() == 0);
}

TEST_CASE("SwiGlu decodes as it infers", "[modules]") {
  Draw draw("swiglu decode");
  Layer layer(3, 4);
  randomise(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 2, 3);
  auto state = layer.begin_decoding(context, 2);
  CHECK(same_bits(layer.decode(context, x, {}, state), layer.infer(context, x, Batch::sequences(2, 1))));
}

TEST_CASE("SwiGlu's weights bear the names of checkpoints", "[modules]") {
  std::vector<std::string> names;
  Layer::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("mlp."),
                          Layer(2, 3));
  CHECK(names == std::vector<std::string>{"mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"});
}
