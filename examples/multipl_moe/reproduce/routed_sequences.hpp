/// How a model routed held-out sequences, as sequences.csv of `trace` has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::reproduce {

struct RoutedSequence {
  Language language{};
  std::vector<double> experts;  ///< rows that each routed expert processes
  /// For segments only: the experts of each, in the order of the sequence.
  std::vector<std::vector<std::size_t>> segments;
};

/// The sequences at both levels of one layer; empty for a level that does not route.
struct RoutedLayer {
  std::vector<RoutedSequence> token, segment;
};

/// By layer, from the lowest on.
using RoutedLayers = std::map<std::int64_t, RoutedLayer>;
/// By system and seed.
using AllRouting = std::map<std::string, std::map<std::uint64_t, RoutedLayers>, std::less<>>;

/// `path` is named in errors. Throws BadFile.
RoutedLayers parse_sequences(std::string_view text, const std::filesystem::path& path);

/// The layer that claims call bottom, middle or top; null if there is none. The middle of 24 layers is the 12th.
const RoutedLayer* layer_named(const RoutedLayers& layers, std::string_view name);

}  // namespace multipl_moe::reproduce
