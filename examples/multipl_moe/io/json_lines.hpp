/// Files with one JSON value on each line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace multipl_moe {

/// The largest file of JSON lines that is read: it is held in memory.
inline constexpr std::uint64_t largest_json_lines = std::uint64_t{1} << 30;

/// Calls `take` with the value of every line that is not blank, and the line's number from 1. A byte-order mark and
/// carriage returns are skipped. Throws BadFile, with the line's number, for a JsonFault of the line or of `take`.
void for_each_json_line(std::string_view bytes, const std::filesystem::path& path,
                        const std::function<void(const nlohmann::json& value, std::size_t line)>& take);

}  // namespace multipl_moe
