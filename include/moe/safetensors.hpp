// Layers that save and load, in the safetensors format. Needs nlohmann-json: link moe::safetensors.
//
//   moe::save("layer.safetensors", layer);
//   moe::load("layer.safetensors", layer);
//
// Weights and buffers have the names of the layer's walk (for_each_parameter, for_each_buffer); SaveOptions and
// LoadOptions map them to others. A layer on a device takes its context as the first argument.
// moe/weights_in_file.hpp runs a layer on the CPU from weights that stay in the file.
#pragma once

#include "moe/safetensors/load.hpp"
#include "moe/safetensors/reader.hpp"
#include "moe/safetensors/save.hpp"
#include "moe/safetensors/writer.hpp"
