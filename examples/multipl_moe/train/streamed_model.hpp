/// Writes models of any size tensor by tensor: the memory in use does not grow with the model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/io/generation_config.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

/// Number of values that are read, drawn or converted at once.
inline constexpr std::int64_t values_at_once = std::int64_t{1} << 22;

/// Calls visit(first, count) for each block of `values` values, in order.
template <class Visit>
void for_each_piece(std::int64_t values, const Visit& visit) {
  for (std::int64_t first = 0; first < values; first += values_at_once)
    visit(first, std::min(values_at_once, values - first));
}

struct StreamOptions {
  std::string dtype = "BF16";  ///< dtype of the weights: "F32", "F16" or "BF16"; buffers are F32
  std::uint64_t max_shard_bytes = default_shard_bytes;
  std::string label;  ///< of the progress line; empty: no progress line
  GenerationConfig generation{};
};

/// Writes one tensor after the other in the order of the file, and counts the bytes for the progress line.
class TensorSink {
 public:
  TensorSink(ShardedWriter& writer, ByteProgress* progress) : writer_(writer), progress_(progress) {}

  /// Writes the next values, any number at a time.
  void write_floats(std::span<const float> values);
  /// Writes the next bytes, already of the tensor's dtype.
  void write(std::span<const std::byte> bytes);
  /// Writes `value` `count` times.
  void write_equal(float value, std::int64_t count);
  /// Begins a tensor; dtype() is then its dtype.
  void begin(const PlannedTensor& tensor);
  const std::string& dtype() const { return dtype_; }

 private:
  ShardedWriter& writer_;
  ByteProgress* progress_;
  std::string dtype_;
};

/// Writes the weight `name` of `model` to `sink`, block by block; bitwise identical if the dtype stays the same. Throws
/// as StoredModel::find().
void copy_weight(const StoredModel& model, std::string_view name, std::span<const std::int64_t> shape,
                 TensorSink& sink);

/// Called once for each tensor; writes all its values to the sink.
using TensorProducer = std::function<void(const ListedTensor& tensor, TensorSink& sink)>;

/// Atomically writes a model of `config` to the new folder `folder`: weights, config.json, generation_config.json and
/// the tokenizer's files. Throws IoError, before the first byte if the disk is too full; also the errors of `produce`.
void stream_model(const std::filesystem::path& folder, const ModelConfig& config, const Tokenizer& tokenizer,
                  const StreamOptions& options, const TensorProducer& produce);

}  // namespace multipl_moe
