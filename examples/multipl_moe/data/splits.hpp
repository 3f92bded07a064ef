/// Which texts of source trees are for training and which are held out: one decision for whoever learns from them.
///
/// Nothing depends on where a file lies or what it is called, apart from its extension: the split and the order within
/// it come from the content's hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/filters.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/data/source_tree.hpp"

namespace multipl_moe {

enum class Split : std::uint8_t { train, dev, test };

inline constexpr std::array all_splits{Split::train, Split::dev, Split::test};

constexpr std::size_t index_of(Split split) { return static_cast<std::size_t>(split); }
std::string_view name_of(Split split);

/// Fractions of the documents, each in [0, 0.5).
struct HeldOut {
  double dev = 0.02;   ///< held out to choose settings
  double test = 0.02;  ///< held out to report
};

/// Throws UsageError where a fraction is out of its range.
void require_in_range(const HeldOut& held_out);

/// A file that the filters let through.
struct Document {
  std::filesystem::path path;
  std::uint64_t hash = 0;  ///< of its text
};

using Documents = std::vector<Document>;

/// A language's files.
struct LanguageDocuments {
  std::int64_t files = 0;  ///< of the language's extensions
  std::array<std::int64_t, all_filters.size()> filtered{};
  std::array<Documents, all_splits.size()> splits;
};

/// Documents are ranked by their hash as a fraction of 2^64; those below held_out.dev are dev, the next held_out.test
/// test. Where a language has at least 3 documents, a held-out split with a positive fraction gets at least the next
/// document in rank, and train keeps one. Within a split they come in the order of a second hash, so that the first
/// ones are a fair sample. `held_out` must be in its range.
LanguageDocuments split_documents(const SourceTree& tree, Language language, const HeldOut& held_out);

/// The text of a document. Throws BadFile where it is not what it was when its hash was taken.
std::string read_document(const Document& document);

}  // namespace multipl_moe
