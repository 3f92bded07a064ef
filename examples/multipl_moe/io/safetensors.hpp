/// The library's readers and writers of safetensors files under the program's names.
#pragma once

#include "moe/safetensors/reader.hpp"
#include "moe/safetensors/sharded_writer.hpp"
#include "moe/safetensors/tensor_folder.hpp"
#include "moe/safetensors/writer.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/tensor_entry.hpp"

namespace multipl_moe {

using moe::io::FolderTensor;
using moe::io::FolderTensors;
using moe::io::SafetensorsFile;
using moe::io::ShardedWriter;
using moe::io::TensorFolder;
using moe::io::TensorView;
using moe::io::write_safetensors;

/// As TensorFolder::open(), with the links that require_model_file() accepts.
inline TensorFolder open_tensors(const std::filesystem::path& folder, std::string_view stem = "model") {
  return TensorFolder::open(folder, stem, require_model_file);
}

}  // namespace multipl_moe
