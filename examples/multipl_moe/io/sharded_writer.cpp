#include "multipl_moe/io/sharded_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors_layout.hpp"

namespace multipl_moe {

ShardedWriter::ShardedWriter(std::filesystem::path folder, std::string stem, std::vector<PlannedTensor> tensors,
                             std::uint64_t max_shard_bytes, TensorMetadata metadata)
    : folder_(std::move(folder)), stem_(std::move(stem)), tensors_(std::move(tensors)) {
  if (max_shard_bytes == 0) throw Failure("[--max-shard-size] must be at least 1 byte, found 0");
  for (const PlannedTensor& tensor : tensors_) static_cast<void>(planned_bytes(folder_, tensor));
  std::sort(tensors_.begin(), tensors_.end(), [](const PlannedTensor& left, const PlannedTensor& right) {
    return std::tuple(*dtype_bytes(right.dtype), std::string_view(left.name)) <
           std::tuple(*dtype_bytes(left.dtype), std::string_view(right.name));
  });
  for (const PlannedTensor& tensor : tensors_) tensor_bytes_.push_back(planned_bytes(folder_, tensor));
  cut(max_shard_bytes);
  name_shards(metadata);
}

void ShardedWriter::cut(std::uint64_t max_shard_bytes) {
  shards_.emplace_back();
  std::uint64_t data = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (data > 0 && tensor_bytes_[i] > max_shard_bytes - std::min(data, max_shard_bytes)) {
      shards_.push_back({.name = {}, .first = i, .last = i, .header = {}, .bytes = 0});
      data = 0;
    }
    data += tensor_bytes_[i];
    shards_.back().last = i + 1;
  }
}

void ShardedWriter::name_shards(const TensorMetadata& metadata) {
  for (std::size_t s = 0; s < shards_.size(); ++s) {
    Shard& shard = shards_[s];
    shard.name = shards_.size() == 1 ? fmt::format("{}.safetensors", stem_)
                                     : fmt::format("{}-{:05}-of-{:05}.safetensors", stem_, s + 1, shards_.size());
    shard.header = safetensors_header(folder_ / shard.name,
                                      std::span(tensors_).subspan(shard.first, shard.last - shard.first), metadata);
    shard.bytes = shard.header.size();
    for (std::size_t i = shard.first; i < shard.last; ++i) shard.bytes += tensor_bytes_[i];
    total_bytes_ += shard.bytes;
  }
  if (shards_.size() > 1) index_ = index_text();
  total_bytes_ += index_.size();
}

/// Throws Failure if two shards have a tensor of the same name; a header only covers its own shard.
std::string ShardedWriter::index_text() const {
  std::uint64_t tensor_total = 0;
  std::map<std::string_view, std::string_view> shard_of;
  for (const Shard& shard : shards_)
    for (std::size_t i = shard.first; i < shard.last; ++i) {
      tensor_total += tensor_bytes_[i];
      if (!shard_of.emplace(tensors_[i].name, shard.name).second)
        throw Failure(fmt::format("[{}] the tensor name '{}' must be unused, found it in use",
                                  escaped(folder_.native()), escaped(tensors_[i].name)));
    }
  nlohmann::ordered_json json;
  json["metadata"] = {{"total_size", tensor_total}};
  auto& map = json["weight_map"] = nlohmann::ordered_json::object();
  for (const auto& [name, shard] : shard_of)
    map.get_ref<nlohmann::ordered_json::object_t&>().emplace_back(std::string(name), std::string(shard));
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

bool ShardedWriter::find_place() {
  for (; shard_ < shards_.size(); ++shard_) {
    const Shard& shard = shards_[shard_];
    if (!file_) {
      file_ = std::make_unique<CheckedFile>(folder_ / shard.name, shard.bytes);
      file_->write(shard.header);
    }
    for (; tensor_ < shard.last; ++tensor_, written_of_tensor_ = 0)
      if (written_of_tensor_ < tensor_bytes_[tensor_]) return true;
    file_->close();
    file_.reset();
  }
  return false;
}

void ShardedWriter::put(std::span<const std::byte> bytes) {
  file_->write(bytes);
  written_of_tensor_ += bytes.size();
}

void ShardedWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (!find_place())
      throw Failure(fmt::format("[{}] the tensors are complete, found {} more", escaped(folder_.native()),
                                counted(bytes.size(), "bytes")));
    const auto count = std::min<std::uint64_t>(bytes.size(), tensor_bytes_[tensor_] - written_of_tensor_);
    put(bytes.first(count));
    bytes = bytes.subspan(count);
  }
}

void ShardedWriter::write_floats(std::span<const float> values) {
  std::array<std::byte, 32768> piece;
  while (!values.empty()) {
    if (!find_place())
      throw Failure(fmt::format("[{}] the tensors are complete, found {} more", escaped(folder_.native()),
                                counted(values.size(), "values")));
    const PlannedTensor& tensor = tensors_[tensor_];
    const std::uint64_t width = *dtype_bytes(tensor.dtype);
    if (written_of_tensor_ % width != 0)
      throw Failure(fmt::format("[{}] must continue at an element boundary, found {} of {} written",
                                escaped(tensor.name), written_of_tensor_, counted(tensor_bytes_[tensor_], "bytes")));
    const auto count = std::min<std::uint64_t>(
        {values.size(), piece.size() / width, (tensor_bytes_[tensor_] - written_of_tensor_) / width});
    const auto bytes = std::span(piece).first(count * width);
    if (const std::size_t at = first_too_large(tensor.dtype, values.first(count)); at < count)
      throw UsageError(fmt::format(
          "[dtype] '{}' must have values of at most {} to be written as {}, found {} at {}: it would become infinite; "
          "float32 holds it",
          escaped(tensor.name), largest_of(tensor.dtype), name_of_dtype(tensor.dtype), values[at],
          place_in(tensor.shape, written_of_tensor_ / width + at)));
    encode_floats(tensor.dtype, values.first(count), bytes);
    put(bytes);
    values = values.subspan(count);
  }
}

void ShardedWriter::finish() {
  if (find_place())
    throw Failure(fmt::format("[{}] '{}' must have {}, found {} written and {} after it", escaped(folder_.native()),
                              escaped(tensors_[tensor_].name), counted(tensor_bytes_[tensor_], "bytes"),
                              written_of_tensor_, counted(tensors_.size() - tensor_ - 1, "tensors")));
  if (index_.empty()) return;
  CheckedFile file(folder_ / (stem_ + ".safetensors.index.json"), index_.size());
  file.write(index_);
  file.close();
}

}  // namespace multipl_moe
