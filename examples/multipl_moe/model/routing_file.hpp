/// Files of the experts that layers chose: moe/core/routing_bytes.hpp.
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

/// What names a sequence in such a file.
std::uint64_t hash_of_read(std::span<const Token> tokens);

/// Throws UsageError, for `flag` of `command`, where the model has no layers whose choices can be replayed.
void require_routed(const std::string& command, const std::string& flag, const ModelConfig& model);
/// The same for --record-routing, and where `path` has no folder to be written in.
void require_recordable(const std::string& command, const ModelConfig& model, const std::filesystem::path& path);

/// Replaces or creates the file. Throws IoError.
void write_routing(const std::filesystem::path& path, std::span<const moe::RoutingRecord> records);
/// Throws BadFile where the file is none, was changed, or has a record of another model: other layers, levels or
/// numbers of experts.
std::vector<moe::RoutingRecord> read_routing(const std::filesystem::path& path, const ModelConfig& model);

/// The rule of an error of the library, without where it was found.
std::string rule_of(std::string_view error);

}  // namespace multipl_moe
