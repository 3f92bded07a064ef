/// Assigns the texts of source trees to the training and held-out splits, in one place for all commands that train on
/// them.
///
/// A text counts once: of files with the same text, and of near copies, one is kept, so that no held-out text has a
/// duplicate in the training data. Nothing depends on the path or the name of a file except its extension: the split,
/// the order within it and the kept copy follow from the text's hash.
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

/// Fractions of the documents, each in [0, 0.5), and the threshold of near copies.
struct HeldOut {
  double dev = 0.02;   ///< held out for choosing settings
  double test = 0.02;  ///< held out for reported results
  /// The similarity from which on texts are near copies, of which one is kept: in [0.5, 1]; 0 keeps them all.
  double near_duplicates = 0.7;
};

/// Throws UsageError if a number is out of its range.
void require_in_range(const HeldOut& held_out);

/// A file that passed the filters.
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

/// Of files with the same normal form, one in the first language that has any is kept: a file that is in normal form
/// itself, otherwise the one whose bytes have the lowest hash. Of near copies (data/near_copies.hpp), the first one in
/// the order of documents within a split is kept.
///
/// A language's documents are sorted by their hash as a fraction of 2^64: those below held_out.dev are dev, those in
/// the next interval of held_out.test are test, and the rest are train. If a language has at least 3 documents, a
/// held-out split with a positive fraction gets at least one of them, and train keeps one. Within a split, documents
/// are ordered by a second hash, so that the first ones are a fair sample. `held_out` must be in its range.
///
/// Throws UsageError, which lists what was found instead, if no language has a document; BadFile as read_document().
DocumentsByLanguage split_documents(const SourceTree& tree, const HeldOut& held_out);

/// The text of a document: the file's bytes without a leading byte-order mark. Throws BadFile if the file has changed
/// since its hash was computed.
std::string read_document(const Document& document);

}  // namespace multipl_moe
