/// Which texts of source trees are for training and which are held out: one decision for whoever learns from them.
///
/// A text counts once: of files with the same text, and of near copies, one is kept, so that nothing held out has a
/// twin in training. Nothing depends on where a file lies or what it is called, apart from its extension: the split,
/// the order within it and which copy is kept come from the text's hash.
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

/// Fractions of the documents, each in [0, 0.5), and what would leak them.
struct HeldOut {
  double dev = 0.02;   ///< held out to choose settings
  double test = 0.02;  ///< held out to report
  /// Texts at least so similar are near copies, of which one is kept: in [0.5, 1]; 0 keeps them all.
  double near_duplicates = 0.7;
};

/// Throws UsageError where a number is out of its range.
void require_in_range(const HeldOut& held_out);

/// A file that the filters let through.
struct Document {
  std::filesystem::path path;
  std::uint64_t hash = 0;     ///< of its text's normal form (data/source_text.hpp)
  std::uint64_t of_file = 0;  ///< the hash of its bytes
};

using Documents = std::vector<Document>;

/// A language's files.
struct LanguageDocuments {
  std::int64_t files = 0;  ///< of the language's extensions
  std::array<std::int64_t, all_filters.size()> filtered{};
  std::array<Documents, all_splits.size()> splits;
};

using DocumentsByLanguage = std::array<LanguageDocuments, language_count>;

/// Of files with the same normal form the one that has it already is kept, otherwise the one whose bytes have the
/// lowest hash, in the first language that has one. Of near copies (data/near_copies.hpp) the first is kept in the
/// order that documents have within a split.
///
/// A language's documents are ranked by their hash as a fraction of 2^64; those below held_out.dev are dev, the next
/// held_out.test test. Where a language has at least 3 documents, a held-out split with a positive fraction gets at
/// least the next document in rank, and train keeps one. Within a split they come in the order of a second hash, so
/// that the first ones are a fair sample. `held_out` must be in its range.
///
/// Throws UsageError where no language has a document, which says what was seen instead; BadFile as read_document().
DocumentsByLanguage split_documents(const SourceTree& tree, const HeldOut& held_out);

/// The text of a document: the file's bytes without the byte-order mark that they may begin with. Throws BadFile where
/// it is not what it was when its hash was taken.
std::string read_document(const Document& document);

}  // namespace multipl_moe
