#include "multipl_moe/data/splits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "multipl_moe/data/near_copies.hpp"
#include "multipl_moe/data/source_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

/// An arbitrary fixed number: it makes the order within a split independent of the split.
constexpr std::uint64_t order_key = 0x6f72646572;

std::uint64_t order_of(const Document& document) { return hash_of_numbers({document.hash}, order_key); }

/// Collects the files that pass the filters, each text once, and counts the others.
class Intake {
 public:
  Intake(DocumentsByLanguage& counts, double near_duplicates) : counts_(counts), threshold_(near_duplicates) {}

  void add(const SourceFile& file) {
    ++counts_[index_of(file.language)].files;
    if (const auto filter = tried(file)) leave_out(file.language, *filter);
  }

  /// The documents of each language, without near copies.
  std::array<Documents, language_count> take() {
    std::sort(texts_.begin(), texts_.end(),
              [](const Text& left, const Text& right) { return order_of(left.document) < order_of(right.document); });
    std::vector<bool> is_copy(texts_.size());
    if (threshold_ > 0) {
      const auto whole_sketch = [this](std::size_t i) {
        return sketch_of(normal_form(read_document(texts_[i].document)), texts_[i].language, largest_source);
      };
      is_copy = find_near_copies(take_sketches(), threshold_, whole_sketch).is_copy;
    }
    std::array<Documents, language_count> documents;
    for (std::size_t i = 0; i < texts_.size(); ++i)
      if (is_copy[i])
        leave_out(texts_[i].language, Filter::near_duplicate);
      else
        documents[index_of(texts_[i].language)].push_back(std::move(texts_[i].document));
    return documents;
  }

 private:
  struct Text {
    Document document;
    Language language;
    bool is_normal;  ///< the file is its own normal form
    TextSketch sketch;
  };

  /// Of two files with the same text, the one with the lower value is kept.
  static auto preference(const Text& text) {
    return std::tuple(index_of(text.language), !text.is_normal, text.document.of_file);
  }

  void leave_out(Language language, Filter filter) { ++counts_[index_of(language)].filtered[index_of(filter)]; }

  std::optional<Filter> tried(const SourceFile& file) {
    std::string bytes;
    try {
      if (InputFile::open(file.path).size() > largest_source) return Filter::too_large;
      bytes = read_whole_file(file.path, largest_source);
    } catch (const FileError&) {
      return Filter::unreadable;
    }
    if (const auto filter = filtered_by(without_mark(bytes))) return filter;
    const std::string normal = normal_form(bytes);
    Text text{{file.path, hash_of(normal), hash_of(bytes)}, file.language, bytes == normal, {}};
    const auto [seen, is_new] = seen_.try_emplace(text.document.hash, texts_.size());
    if (!is_new && !(preference(text) < preference(texts_[seen->second]))) return Filter::duplicate;
    if (threshold_ > 0) text.sketch = sketch_of(normal, file.language);
    if (is_new) {
      texts_.push_back(std::move(text));
    } else {
      std::swap(texts_[seen->second], text);
      leave_out(text.language, Filter::duplicate);
    }
    return std::nullopt;
  }

  std::vector<TextSketch> take_sketches() {
    std::vector<TextSketch> sketches;
    sketches.reserve(texts_.size());
    for (Text& text : texts_) sketches.push_back(std::move(text.sketch));
    return sketches;
  }

  DocumentsByLanguage& counts_;
  double threshold_;
  std::vector<Text> texts_;
  std::unordered_map<std::uint64_t, std::size_t> seen_;  ///< the place in texts_ of each hash
};

/// Why all files were left out, for the error message.
std::string describe_left_out(const DocumentsByLanguage& found) {
  std::int64_t files = 0;
  std::array<std::int64_t, all_filters.size()> filtered{};
  for (const LanguageDocuments& language : found) {
    files += language.files;
    for (const Filter filter : all_filters) filtered[index_of(filter)] += language.filtered[index_of(filter)];
  }
  if (files == 0) return "none";
  std::vector<std::string> parts;
  for (const Filter filter : all_filters)
    if (const std::int64_t count = filtered[index_of(filter)]; count > 0)
      parts.push_back(fmt::format("{} {}", name_of(filter), count));
  return fmt::format("{}, all left out ({})", files, fmt::join(parts, ", "));
}

std::array<Documents, all_splits.size()> split_up(Documents documents, const HeldOut& held_out) {
  std::sort(documents.begin(), documents.end(),
            [](const Document& left, const Document& right) { return left.hash < right.hash; });
  const auto below = [&documents](double fraction) {
    return std::count_if(documents.begin(), documents.end(), [fraction](const Document& document) {
      return std::ldexp(static_cast<double>(document.hash), -64) < fraction;
    });
  };
  const std::ptrdiff_t least = documents.size() >= 3 ? 1 : 0;
  std::ptrdiff_t dev = below(held_out.dev);
  std::ptrdiff_t test = below(held_out.dev + held_out.test) - dev;
  if (held_out.dev > 0.0) dev = std::max(dev, least);
  if (held_out.test > 0.0) test = std::max(test, least);
  while (least > 0 && dev + test >= std::ssize(documents)) --(dev > test ? dev : test);
  const auto begin = std::make_move_iterator(documents.begin());
  std::array<Documents, all_splits.size()> splits;
  splits[index_of(Split::dev)].assign(begin, begin + dev);
  splits[index_of(Split::test)].assign(begin + dev, begin + dev + test);
  splits[index_of(Split::train)].assign(begin + dev + test, std::make_move_iterator(documents.end()));
  for (Documents& split : splits)
    std::sort(split.begin(), split.end(),
              [](const Document& left, const Document& right) { return order_of(left) < order_of(right); });
  return splits;
}

}  // namespace

std::string_view name_of(Split split) {
  constexpr std::array<std::string_view, all_splits.size()> names{"train", "dev", "test"};
  return names[index_of(split)];
}

void require_in_range(const HeldOut& held_out) {
  for (const double fraction : {held_out.dev, held_out.test})
    if (!(fraction >= 0.0 && fraction < 0.5))
      throw UsageError(fmt::format("[sources] a held-out fraction must be in [0, 0.5), found {}", fraction));
  const double similar = held_out.near_duplicates;
  if (similar != 0.0 && !(similar >= 0.5 && similar <= 1.0))
    throw UsageError(
        fmt::format("[sources] --near-duplicates must be 0, which keeps them, or in [0.5, 1], found {}", similar));
}

DocumentsByLanguage split_documents(const SourceTree& tree, const HeldOut& held_out) {
  DocumentsByLanguage found;
  Intake intake(found, held_out.near_duplicates);
  for (const SourceFile& file : tree.files) intake.add(file);
  std::array<Documents, language_count> documents = intake.take();
  if (std::ranges::all_of(documents, &Documents::empty))
    throw UsageError(
        fmt::format("[sources] the folders must hold source files to learn from ({}), found {}; besides: {}",
                    known_extensions(), describe_left_out(found), describe_others(tree)));
  for (const Language language : all_languages)
    found[index_of(language)].splits = split_up(std::move(documents[index_of(language)]), held_out);
  return found;
}

std::string read_document(const Document& document) {
  const std::string bytes = read_whole_file(document.path, largest_source);
  if (hash_of(bytes) != document.of_file)
    throw BadFile(document.path, "must not change during the run, found it changed");
  return std::string(without_mark(bytes));
}

}  // namespace multipl_moe
