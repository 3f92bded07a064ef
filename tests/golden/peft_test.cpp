/// LoraLinear compared with Hugging Face peft's adapters. README.md describes where the files come from, make_peft.py
/// their content.

#include <algorithm>
#include <string>

#include "moe/experts/lora_linear.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace peft_test {

using namespace moe;
using namespace moe::testing;
using namespace moe::testing::golden;

namespace {

using Layer = LoraLinear<float, Cpu<>>;

AdapterSize size_of(const StoredFile& file) {
  const Index rank = setting(file, "rank");
  const auto alpha = static_cast<double>(setting(file, "alpha"));
  return file.metadata.at("use_rslora") == "True" ? AdapterSize::rank_stabilized(rank, alpha)
                                                  : AdapterSize::lora(rank, alpha);
}

/// A module with the file's weights; each of its parameter names is one of the file's.
Layer load_layer(const StoredFile& file) {
  const auto& shape = file.tensors.at("weight").shape;
  const auto out = static_cast<Index>(shape.at(0)), in = static_cast<Index>(shape.at(1));
  Layer layer(file.tensors.count("bias") ? Linear<float, Cpu<>>::with_bias(in, out)
                                         : Linear<float, Cpu<>>::without_bias(in, out),
              size_of(file));
  for_each_parameter(
      [&](const std::string& name, auto& weight) {
        INFO(name);
        const auto& values = file.tensors.at(name).values;
        REQUIRE(static_cast<Index>(values.size()) == weight.size());
        std::copy(values.begin(), values.end(), weight.data());
      },
      layer);
  return layer;
}

}  // namespace

TEST_CASE("LoraLinear matches peft's Linear with an adapter", "[golden]") {
  const std::string name = GENERATE(as<std::string>{}, "peft_lora", "peft_rslora", "peft_rank_above_width");
  INFO(name);
  const CpuContext context;
  const StoredFile file = read_case(name);
  Layer layer = load_layer(file);
  const double scale = std::stod(file.metadata.at("scale"));
  CHECK(layer.adapter.size.scale == Catch::Approx(scale).epsilon(1e-15));
  const ConstView x_TI = view(file.tensors.at("x"));
  check_tensor(file, "y", layer.forward(context, x_TI));

  Layer gradient = gradient_for(layer, TrainByName{.train = {"*lora_*"}});
  check_tensor(file, "d_x", layer.backward(context, view(file.tensors.at("d_y")), x_TI, gradient));
  check_tensor(file, "grad.lora_A.weight", gradient.adapter.lora_A);
  check_tensor(file, "grad.lora_B.weight", gradient.adapter.lora_B);

  layer.merge(context);
  check_tensor(file, "merged.weight", layer.base.weight);
  check_tensor(file, "merged.y", layer.forward(context, x_TI));
}

TEST_CASE("with the scale of the other rule the outputs differ from peft's", "[golden]") {
  const CpuContext context;
  const StoredFile file = read_case("peft_rslora");
  Layer layer = load_layer(file);
  layer.adapter.size = AdapterSize::lora(setting(file, "rank"), static_cast<double>(setting(file, "alpha")));
  CHECK(deviation(view(file.tensors.at("y")), layer.forward(context, view(file.tensors.at("x")))) > 1e-2);
}

}  // namespace peft_test
