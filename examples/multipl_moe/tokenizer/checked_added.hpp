#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "multipl_moe/tokenizer/added_tokens.hpp"
#include "multipl_moe/tokenizer/vocabulary.hpp"

namespace multipl_moe {

/// An added token from an object with content, special, normalized, lstrip, rstrip and single_word; the last three must
/// be false. `id` is the id that the object's place in the file gives. Throws BadFile.
AddedToken added_token(const nlohmann::json& object, Token id, const std::filesystem::path& path);

/// Sorts by id. Throws BadFile if two tokens have the same content or the same id.
void sort_added(std::vector<AddedToken>& added, const std::filesystem::path& path);

/// Throws BadFile unless each token has the id of its content in `vocabulary`, and the tokens that are not in it have
/// the ids from the vocabulary's size on, without gaps.
void check_added(const std::vector<AddedToken>& added, const Vocabulary& vocabulary, const std::filesystem::path& path);

}  // namespace multipl_moe
