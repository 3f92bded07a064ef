#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "multipl_moe/tokenizer/added_tokens.hpp"
#include "multipl_moe/tokenizer/vocabulary.hpp"

namespace multipl_moe {

/// An added token from an object with content, special, normalized, lstrip, rstrip and single_word; the last three must
/// be false. `id` is what its place in the file says of its number. Throws BadFile.
AddedToken added_token(const nlohmann::json& object, Token id, const std::filesystem::path& path);

/// Sorts by id. Throws BadFile where two have one content or one id.
void sort_added(std::vector<AddedToken>& added, const std::filesystem::path& path);

/// Throws BadFile unless each has the number that `vocabulary` gives its content, or, where that has none, they are
/// numbered on from the vocabulary's size without gaps.
void check_added(const std::vector<AddedToken>& added, const Vocabulary& vocabulary, const std::filesystem::path& path);

}  // namespace multipl_moe
