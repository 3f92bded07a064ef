#include <moe/moe.hpp>
#include <moe/safetensors.hpp>

using Layer = moe::SwiGlu<float, moe::Cpu<>>;

void load_elsewhere(const char* path, Layer& layer);

void load_elsewhere(const char* path, Layer& layer) { moe::load(path, layer); }
