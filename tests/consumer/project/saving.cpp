#include <moe/moe.hpp>
#include <moe/safetensors.hpp>
#include <moe/weights_in_file.hpp>

using Layer = moe::SwiGlu<float, moe::Cpu<>>;

void load_elsewhere(const char* path, Layer& layer);

int main() {
  Layer layer(2, 3), loaded(2, 3);
  layer.up_proj.data()[1] = 5;
  moe::save("saving.safetensors", layer);
  load_elsewhere("saving.safetensors", loaded);
  Layer in_place(2, 3);
  const moe::CpuContext context = moe::load_in_place("saving.safetensors", in_place, {{}, 1});
  return loaded.up_proj.data()[1] == 5.0f && in_place.up_proj.data()[1] == 5.0f ? 0 : 1;
}
