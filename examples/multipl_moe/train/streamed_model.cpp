#include "multipl_moe/train/streamed_model.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"

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

void TensorSink::write_equal(float value, std::int64_t count) {
  write_floats(std::vector<float>(static_cast<std::size_t>(count), value));
}

void copy_weight(const StoredModel& model, std::string_view name, std::span<const std::int64_t> shape,
                 TensorSink& sink) {
  const StoredPart part = model.find(name, shape);
  const TensorFolder& stored = model.tensors();
  const std::string& dtype = stored.entry(part.name).dtype;
  const std::uint64_t width = dtype_bytes(dtype).value();
  std::vector<float> values;
  std::vector<std::byte> bytes;
  for_each_piece(element_count(shape).value(), [&](std::int64_t first, std::int64_t count) {
    const std::uint64_t begin = part.first + static_cast<std::uint64_t>(first);
    if (dtype == sink.dtype()) {
      bytes.resize(static_cast<std::size_t>(count) * width);
      stored.read(part.name, begin * width, bytes);
      sink.write(bytes);
    } else {
      values.resize(static_cast<std::size_t>(count));
      stored.read_floats(part.name, begin, values);
      sink.write_floats(values);
    }
  });
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
