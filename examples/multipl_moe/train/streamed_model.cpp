#include "multipl_moe/train/streamed_model.hpp"

#include <fmt/format.h>

#include <map>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_disk.hpp"

namespace multipl_moe {

namespace {

std::uint64_t bytes_of(const std::vector<PlannedTensor>& tensors) {
  std::uint64_t bytes = 0;
  for (const PlannedTensor& tensor : tensors) bytes += tensor_bytes(tensor.dtype, tensor.shape).value();
  return bytes;
}

}  // namespace

void TensorSink::begin(const PlannedTensor& tensor) { dtype_ = tensor.dtype; }

void TensorSink::write_floats(std::span<const float> values) {
  writer_.write_floats(values);
  if (progress_ != nullptr) progress_->add(values.size() * dtype_bytes(dtype_).value());
}

void TensorSink::write(std::span<const std::byte> bytes) {
  writer_.write(bytes);
  if (progress_ != nullptr) progress_->add(bytes.size());
}

void stream_model(const std::filesystem::path& folder, const ModelConfig& config, const Tokenizer& tokenizer,
                  const StreamOptions& options, const TensorProducer& produce) {
  const std::vector<ListedTensor> list = list_tensors(config);
  std::map<std::string_view, const ListedTensor*> listed;
  for (const ListedTensor& tensor : list) listed[tensor.name] = &tensor;
  save_folder_atomically(folder, [&](const std::filesystem::path& partial) {
    ShardedWriter writer(partial, "model", planned(list, options.dtype), options.max_shard_bytes);
    require_free_disk(partial, writer.total_bytes());
    ByteProgress progress(options.label, bytes_of(writer.order()));
    TensorSink sink(writer, options.label.empty() ? nullptr : &progress);
    for (const PlannedTensor& tensor : writer.order()) {
      sink.begin(tensor);
      produce(*listed.at(tensor.name), sink);
    }
    writer.finish();
    write_config(partial / "config.json", config, name_of_dtype(options.dtype));
    write_generation_config(partial, options.generation);
    tokenizer.write_files(partial);
  });
}

}  // namespace multipl_moe
