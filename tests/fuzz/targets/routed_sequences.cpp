#include "multipl_moe/reproduce/routed_sequences.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered routed_sequences("routed_sequences", [](std::string_view bytes) {
  const auto layers = value_or_refusal([&] { return reproduce::parse_sequences(bytes, "sequences.csv"); });
  if (!layers) return false;
  for (const auto& [number, layer] : *layers)
    for (const auto* sequences : {&layer.token, &layer.segment})
      for (const reproduce::RoutedSequence& sequence : *sequences) {
        require(sequence.experts.size() == sequences->front().experts.size(), "a layer has as many experts everywhere");
        require((sequences == &layer.token) == sequence.segments.empty(), "only segments are listed");
        for (const auto& experts : sequence.segments)
          for (const std::size_t expert : experts) require(expert < sequence.experts.size(), "an expert is routed");
      }
  return true;
});

}  // namespace multipl_moe::fuzz
