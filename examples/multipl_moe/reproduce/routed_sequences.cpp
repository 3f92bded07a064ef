#include "multipl_moe/reproduce/routed_sequences.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/table_file.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The parts of a text between single separators, at least one.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::size_t number_in(std::string_view text, const TableRow& row, std::size_t limit) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > limit)
    row.refuse(fmt::format("must have whole numbers up to {}, found '{}'", limit, escaped(text, 80)));
  return number;
}

Language language_in(const TableRow& row) {
  for (const Language language : all_languages)
    if (row[0] == name_of(language)) return language;
  row.refuse(fmt::format("must begin with the name of a language, found '{}'", escaped(row[0], 80)));
}

RoutedSequence sequence_in(const TableRow& row, bool of_segments) {
  constexpr std::size_t most_experts = 100'000;
  const auto rows = static_cast<std::size_t>(row.count(4));
  RoutedSequence sequence{language_in(row), {}, {}};
  // The routed experts, numbered without those that process every row.
  std::vector<std::optional<std::size_t>> routed;
  for (const std::string_view count : parts_of(row[5], ' ')) {
    routed.push_back(count == "-" ? std::nullopt : std::optional(sequence.experts.size()));
    if (count != "-") sequence.experts.push_back(static_cast<double>(number_in(count, row, rows)));
  }
  if (routed.size() > most_experts)
    row.refuse(fmt::format("must have the counts of up to {} experts, found {}", most_experts, routed.size()));
  if (!of_segments) return sequence;
  for (const std::string_view workers : parts_of(row[6], ' ')) {
    std::vector<std::size_t>& experts = sequence.segments.emplace_back();
    if (workers == "-") continue;
    for (const std::string_view expert : parts_of(workers, '+'))
      if (const auto number = routed[number_in(expert, row, routed.size() - 1)]) experts.push_back(*number);
  }
  if (sequence.segments.size() != rows)
    row.refuse(fmt::format("must have {} segments, as many as rows, found {}", rows, sequence.segments.size()));
  return sequence;
}

}  // namespace

RoutedLayers parse_sequences(std::string_view text, const std::filesystem::path& path) {
  RoutedLayers layers;
  for_each_row(text, path, "language,layer,level,sequence,rows,experts,segments", [&](const TableRow& row) {
    const bool of_segments = row[2] == "segment";
    if (!of_segments && row[2] != "token")
      row.refuse(fmt::format("must be of the level token or segment, found '{}'", escaped(row[2], 80)));
    RoutedLayer& layer = layers[row.count(1)];
    auto& sequences = of_segments ? layer.segment : layer.token;
    sequences.push_back(sequence_in(row, of_segments));
    if (sequences.back().experts.size() != sequences.front().experts.size())
      row.refuse(fmt::format("must have as many routed experts as the layer's first sequence, {}, found {}",
                             sequences.front().experts.size(), sequences.back().experts.size()));
  });
  return layers;
}

const RoutedLayer* layer_named(const RoutedLayers& layers, std::string_view name) {
  if (layers.empty()) return nullptr;
  if (name == "bottom") return &layers.begin()->second;
  if (name == "top") return &layers.rbegin()->second;
  return &std::next(layers.begin(), (std::ssize(layers) - 1) / 2)->second;
}

}  // namespace multipl_moe::reproduce
