/// Layers in device memory: a host read or write of it would be fatal in the emulated device.
#include <vector>

#include "moe/layers/presets.hpp"
#include "moe/safetensors.hpp"
#include "safetensors/layers.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/scratch.hpp"

namespace on_device_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("a layer moves between the host and a device through a file", "[safetensors][accelerator]", float,
                   BFloat16) {
  using OnDevice = CausalMultiPlMoe<TestType, Emulated, NormalizedFusion>;
  const ScratchFolder folder;
  const Emulated::Context context;
  const auto layer = filled(hybrid_layer<TestType>());
  save(folder / "host.safetensors", layer);
  auto on_device =
      make_multipl<OnDevice>({.width = 6, .hidden = 5, .token_experts = 3, .segment_experts = 2, .window = 4});
  load(context, folder / "host.safetensors", on_device);
  save(context, folder / "device.safetensors", on_device);
  CHECK(get_bytes(folder / "device.safetensors") == get_bytes(folder / "host.safetensors"));
  auto back = hybrid_layer<TestType>();
  load(folder / "device.safetensors", back);
  CHECK(bytes_in(back) == bytes_in(layer));
}

TEST_CASE("a device's weights are converted on the host", "[safetensors][accelerator]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<double>());
  save(folder / "wide.safetensors", layer);
  SwiGlu<float, Emulated> on_device(6, 5);
  load(folder / "wide.safetensors", on_device);
  save(folder / "half.safetensors", on_device, {.dtype = StoredDtype::float16});
  auto half = dense_layer<double>(), same = dense_layer<double>();
  load(folder / "half.safetensors", half);
  auto single = dense_layer<float>();
  load(folder / "wide.safetensors", single);
  save(folder / "same.safetensors", single, {.dtype = StoredDtype::float16});
  load(folder / "same.safetensors", same);
  CHECK(bytes_in(half) == bytes_in(same));
}

}  // namespace on_device_test
