/// The sizes of a reproduction, as data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe::reproduce {

/// A command that prepares data; -o NAME is added to its words.
struct Preparation {
  std::string name;
  std::vector<std::string> words;
  double seconds = 0, bytes = 0;
  bool takes_corpus = false;  ///< whether the folders of --corpus are added to its words
};

/// What a model is scored by.
enum class Scored {
  by_tests,   ///< pass@1, of `evaluate`
  by_bits,    ///< bits per byte, of `eval`
  by_letters  ///< what it knows of later random letters, of `probe leak`
};

/// How systems are trained and scored on one kind of text.
struct TrackScale {
  std::string name;
  Scored scored = Scored::by_tests;
  std::string_view item;      ///< the only one that needs it; empty: all do
  bool needs_corpus = false;  ///< whether it is left out without --corpus
  bool traces = false;        ///< whether routing is traced, and experts are probed here
  bool has_bases = false;     ///< whether other base models than the first are trained, with other mixes
  std::string config;         ///< text of model.json; empty if `pretrain` needs none
  std::vector<Preparation> preparations;
  std::string base_model;              ///< a given base model; if empty, one is trained for each seed
  std::string mix;                     ///< LOW:HIGH of the systems' text; empty: it is not mixed
  std::vector<std::string> new_model;  ///< arguments of `pretrain` that say what is trained
  /// Commands without the model, the seed, the mix and the steps of systems.
  std::vector<std::string> pretrain, train, score;
  std::vector<std::string> look;  ///< arguments of `trace` and `probe`
  std::int64_t post_steps = 0;
  std::int64_t window = 64;  ///< length of a segment in tokens

  // For estimates.
  double base_tokens = 0, post_tokens = 0;
  double tokens_per_second = 1;  ///< of training the dense model
  double parameters = 0;         ///< of the dense model
  double weight_bytes = 4;       ///< of a stored weight
  double score_seconds = 0;
  double prefix_factor = 1;  ///< how much longer a model is scored whose every token takes a pass over its text
};

struct Scale {
  std::string name;
  std::int64_t seeds = 1;
  std::vector<std::string> systems;  ///< the only ones beside the base; empty: those of the wanted items
  std::vector<TrackScale> tracks;
  std::string basis;  ///< what the estimates rest on
};

std::span<const Scale> scales();

}  // namespace multipl_moe::reproduce
