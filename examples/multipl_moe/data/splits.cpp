#include "multipl_moe/data/splits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <unordered_set>
#include <utility>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

namespace {

/// Any fixed number: it makes the order within a split independent of the split.
constexpr std::uint64_t order_key = 0x6f72646572;

std::uint64_t order_of(const Document& document) { return hash_of_numbers({document.hash}, order_key); }

/// Takes in the files of one language that the filters let through, and counts the others.
class Intake {
 public:
  explicit Intake(LanguageDocuments& counts) : counts_(counts) {}

  void add(const std::filesystem::path& path) {
    ++counts_.files;
    if (const auto filter = tried(path)) ++counts_.filtered[index_of(*filter)];
  }
  Documents take() { return std::move(documents_); }

 private:
  std::optional<Filter> tried(const std::filesystem::path& path) {
    std::string text;
    try {
      if (InputFile::open(path).size() > largest_source) return Filter::too_large;
      text = read_whole_file(path, largest_source);
    } catch (const ProgramError&) {
      return Filter::unreadable;
    }
    if (const auto filter = filtered_by(text)) return filter;
    const std::uint64_t hash = hash_of(text);
    if (!seen_.insert(hash).second) return Filter::duplicate;
    documents_.push_back({path, hash});
    return std::nullopt;
  }

  LanguageDocuments& counts_;
  Documents documents_;
  std::unordered_set<std::uint64_t> seen_;
};

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
}

LanguageDocuments split_documents(const SourceTree& tree, Language language, const HeldOut& held_out) {
  LanguageDocuments found;
  Intake intake(found);
  for (const SourceFile& file : tree.files)
    if (file.language == language) intake.add(file.path);
  found.splits = split_up(intake.take(), held_out);
  return found;
}

std::string read_document(const Document& document) {
  std::string text = read_whole_file(document.path, largest_source);
  if (hash_of(text) != document.hash)
    throw BadFile(document.path, "must stay as it is between two readings, found it changed");
  return text;
}

}  // namespace multipl_moe
