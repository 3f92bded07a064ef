#include "multipl_moe/model/routing_file.hpp"

#include <fmt/format.h>

#include <system_error>

#include "moe/core/require.hpp"
#include "moe/core/routing_bytes.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

namespace {

/// Maximum size of a file in bytes, more than any run of this program writes.
constexpr std::uint64_t most_bytes = std::uint64_t{64} << 30;

/// Throws BadFile unless the record has exactly the layers, levels and numbers of experts of the model.
void require_of_model(const std::filesystem::path& path, std::size_t number, const moe::RoutingRecord& record,
                      const ModelConfig& model) {
  const auto check = [&](std::int64_t layer, std::string_view level, std::int64_t experts) {
    const moe::RecordedLevel* found = record.find(static_cast<std::uint32_t>(layer), level);
    if (found == nullptr)
      throw BadFile(path, fmt::format("record {} must have the {} experts of layer {} of this model, found none",
                                      number + 1, level, layer));
    if (found->experts() != experts)
      throw BadFile(path, fmt::format("record {} must have {} in layer {}, found {}", number + 1,
                                      counted(experts, std::string(level) + " experts"), layer, found->experts()));
  };
  const std::int64_t segment_experts = model.moe->num_segment_experts;
  for (std::int64_t layer = 0; layer < model.num_hidden_layers; ++layer) {
    if (model.is_dense_layer(layer)) continue;
    check(layer, "token", model.moe->num_token_experts);
    if (segment_experts > 0) check(layer, "segment", segment_experts);
  }
  const std::int64_t layers = model.num_hidden_layers - std::ssize(model.dense_layers);
  const std::int64_t levels = layers * (segment_experts > 0 ? 2 : 1);
  if (std::ssize(record.levels) != levels)
    throw BadFile(path, fmt::format("record {} must have the model's {}, with {} per token, found {}", number + 1,
                                    counted(layers, "layers"), counted(levels, "choices"), record.levels.size()));
}

}  // namespace

std::uint64_t hash_of_read(std::span<const Token> tokens) {
  const std::vector<std::int32_t> ids(tokens.begin(), tokens.end());
  return moe::hash_of_tokens(ids);
}

void require_routed(const std::string& command, const std::string& flag, const ModelConfig& model) {
  if (!model.moe)
    throw UsageError(
        fmt::format("[{}] {} needs a mixture of experts, found a dense model, which has no routers", command, flag));
  if (model.moe->is_adapted())
    throw UsageError(
        fmt::format("[{}] {} needs layers that route by their input, found a model of architecture {}, whose adapters "
                    "are selected by language: the choice is always the same for the same text",
                    command, flag, model.architecture()));
}

void require_recordable(const std::string& command, const ModelConfig& model, const std::filesystem::path& path) {
  require_routed(command, "--record-routing", model);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::error_code failed; !std::filesystem::is_directory(folder, failed))
    throw UsageError(fmt::format("[{}] --record-routing must name a file in an existing folder, found '{}'", command,
                                 escaped(path.native())));
}

void write_routing(const std::filesystem::path& path, std::span<const moe::RoutingRecord> records) {
  const std::vector<std::uint8_t> bytes = moe::routing_to_bytes(records);
  write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::vector<moe::RoutingRecord> read_routing(const std::filesystem::path& path, const ModelConfig& model) {
  const std::string bytes = read_whole_file(path, most_bytes);
  std::vector<moe::RoutingRecord> records;
  try {
    records = moe::routing_from_bytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  } catch (const moe::Error& error) {
    throw BadFile(path, rule_of(error.what()));
  }
  for (std::size_t i = 0; i < records.size(); ++i)
    // A prompt with no new tokens requested was not read, so its record is empty.
    if (!records[i].levels.empty()) require_of_model(path, i, records[i], model);
  return records;
}

std::string rule_of(std::string_view error) {
  const std::size_t end = error.find("] ");
  return std::string(error.starts_with('[') && end != error.npos ? error.substr(end + 2) : error);
}

}  // namespace multipl_moe
