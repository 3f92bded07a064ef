/// Files of recorded expert choices, in the format of moe/core/routing_bytes.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/routing_record.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// The hash that identifies a sequence in such a file.
std::uint64_t hash_of_read(std::span<const Token> tokens);

/// Throws UsageError, for `flag` of `command`, if the model has no layers whose choices can be replayed.
void require_routed(const std::string& command, const std::string& flag, const ModelConfig& model);
/// The same for --record-routing; also throws if the folder of `path` does not exist.
void require_recordable(const std::string& command, const ModelConfig& model, const std::filesystem::path& path);

/// Replaces or creates the file. Throws IoError.
void write_routing(const std::filesystem::path& path, std::span<const moe::RoutingRecord> records);
/// Throws BadFile if the file is not a routing file, was changed, or has a record of another model: other layers,
/// levels or numbers of experts.
std::vector<moe::RoutingRecord> read_routing(const std::filesystem::path& path, const ModelConfig& model);

/// The message of a library error without its [Where] prefix.
std::string rule_of(std::string_view error);

}  // namespace multipl_moe
