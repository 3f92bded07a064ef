#include "multipl_moe/reproduce/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/scale.hpp"
#include "multipl_moe/reproduce/schedule.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe::reproduce {

namespace {

using Words = std::vector<std::string>;

void append(Words& words, const auto& more) { words.insert(words.end(), more.begin(), more.end()); }

class Planner {
 public:
  Planner(const Scale& scale, const PlanOptions& options) : scale_(scale), options_(options) {}

  Plan plan() {
    plan_.scale = scale_.name;
    plan_.basis = scale_.basis;
    const std::int64_t seeds = options_.seeds > 0 ? options_.seeds : scale_.seeds;
    for (std::int64_t seed = 0; seed < seeds; ++seed) plan_.seeds.push_back(static_cast<std::uint64_t>(seed));
    if (scale_.systems.empty())
      for (const std::string_view item : item_names())
        if (options_.items.empty() ||
            std::find(options_.items.begin(), options_.items.end(), item) != options_.items.end())
          plan_.items.emplace_back(item);
    for (const TrackScale& track : scale_.tracks) add_track(track);
    return std::move(plan_);
  }

 private:
  bool is_wanted(const System& system) const {
    const auto has = [](const auto& list, std::string_view name) {
      return std::find(list.begin(), list.end(), name) != list.end();
    };
    if (!scale_.systems.empty()) return has(scale_.systems, system.name);
    return std::any_of(system.items.begin(), system.items.end(),
                       [&](std::string_view item) { return has(plan_.items, item); });
  }
  bool needs_traces() const {
    return !scale_.systems.empty() || std::any_of(plan_.items.begin(), plan_.items.end(), shows_routing);
  }
  /// Whether the experts that the system selects depend on the text, so that a page can show them in it.
  static bool routes_text(const System& system) {
    const auto is_of = [&](std::string_view arch) {
      return std::find(system.upcycle.begin(), system.upcycle.end(), arch) != system.upcycle.end();
    };
    return !system.upcycle.empty() && !is_of("lora") && !is_of("mole");
  }

  const std::string& add(std::string id, Words words, Words needs, double seconds, double bytes,
                         std::string output = {}, bool prints = false, const char* output_flag = "-o") {
    if (output.empty()) output = id;
    if (!prints) append(words, Words{output_flag, output});
    plan_.stages.push_back({id, std::move(words), std::move(needs), std::move(output), prints, seconds, bytes});
    return plan_.stages.back().id;
  }

  /// Data, base models, systems and scores of a track.
  void add_track(const TrackScale& track) {
    if (track.needs_corpus && options_.corpus.empty()) return;
    if (!track.config.empty()) plan_.files.emplace_back(track.name + "/model.json", track.config);
    Words before;
    std::string tokenizer;
    for (const Preparation& step : track.preparations) {
      Words words = step.words;
      if (step.takes_corpus) append(words, options_.corpus.empty() ? Words{"CORPUS"} : options_.corpus);
      before = {add(track.name + "/" + step.name, words, before, step.seconds, step.bytes)};
    }
    for (const std::uint64_t seed : plan_.seeds) add_seed(track, seed, before);
  }

  void add_seed(const TrackScale& track, std::uint64_t seed, const Words& data) {
    const std::string folder = fmt::format("{}/seed-{}/", track.name, seed);
    const double base_bytes = 12 * track.parameters;  // weights and two moments
    std::string base = track.base_model;
    Words after_base = data;
    if (base.empty()) {
      Words words = track.pretrain;
      append(words, Words{"--seed", fmt::to_string(seed)});
      base = folder + "base/run";
      after_base = {add(base, words, data, track.base_tokens / track.tokens_per_second, base_bytes)};
    }
    add_scores(track, folder + "base/", base, after_base, true);
    for (const System& system : systems())
      if (is_wanted(system)) add_system(track, system, seed, folder + std::string(system.name) + "/", base, after_base);
  }

  void add_system(const TrackScale& track, const System& system, std::uint64_t seed, const std::string& folder,
                  const std::string& base, const Words& after_base) {
    // Bits per byte of a model whose routing sees the text are no score.
    if (track.is_text && !system.is_causal) return;
    std::string model = base;
    Words needs = after_base;
    if (!system.upcycle.empty()) {
      Words words{"upcycle", "--model", base, "--seed", fmt::to_string(seed)};
      append(words, system.upcycle);
      if (system.has_segments) append(words, Words{"--segment-window", fmt::to_string(track.window)});
      model = folder + "start";
      needs = {add(model, words, after_base, 0.1 + 1e-9 * track.parameters * system.total,
                   track.weight_bytes * track.parameters * system.total)};
    }
    Words words = track.train;
    append(words, Words{"--model", model, "--seed", fmt::to_string(seed), "--steps",
                        fmt::to_string(std::llround(static_cast<double>(track.post_steps) * system.steps))});
    const bool has_mix = std::find(system.train.begin(), system.train.end(), "--mix") != system.train.end();
    if (!has_mix) append(words, Words{"--mix", "9:1"});
    append(words, system.train);
    const std::string run = folder + "run";
    needs = {add(run, words, needs, track.post_tokens * system.steps * system.active / track.tokens_per_second,
                 track.parameters * (track.weight_bytes * system.total + 8 * system.trainable))};
    add_scores(track, folder, run, needs, system.is_causal);
    if (track.traces && system.name == "multipl-moe" && needs_traces())
      add(folder + "routing", {"trace", "--model", run, "--data", track.name + "/data"}, needs, 20, 1e6);
    if (track.traces && routes_text(system))
      add(folder + "page", {"trace", "--model", run, "--data", track.name + "/data"}, needs,
          1 + 6e-7 * track.parameters * system.active, 1e6, folder + "routing.html", false, "--html");
  }

  void add_scores(const TrackScale& track, const std::string& folder, const std::string& model, const Words& needs,
                  bool is_causal) {
    Words words = track.score;
    append(words, Words{"--model", model});
    const double seconds = track.score_seconds * (is_causal ? 1 : track.prefix_factor);
    if (track.is_text)
      add(folder + "scores", words, needs, seconds, 1e3, folder + "scores.json", true);
    else
      add(folder + "scores", words, needs, seconds, 2e6);
  }

  const Scale& scale_;
  const PlanOptions& options_;
  Plan plan_;
};

/// A word of a command, in quotes if the shell needs them.
std::string shell_word(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_not_of(
                                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-./:,=+") == word.npos;
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string size_text(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.1f} GB", bytes / 1e9);
}

}  // namespace

double Plan::seconds() const {
  double sum = 0;
  for (const Stage& stage : stages) sum += stage.seconds;
  return sum;
}

double Plan::bytes() const {
  double sum = 0;
  for (const Stage& stage : stages) sum += stage.bytes;
  return sum;
}

std::vector<std::string> scale_names() {
  std::vector<std::string> names;
  for (const Scale& scale : scales()) names.push_back(scale.name);
  return names;
}

Plan plan_of(const PlanOptions& options) {
  for (const Scale& scale : scales()) {
    if (scale.name != options.scale) continue;
    if (!scale.systems.empty() && !options.items.empty())
      throw UsageError(
          fmt::format("[reproduce] --only selects tables and figures of other scales, found it with --scale {}, "
                      "which trains {} and nothing else",
                      scale.name, fmt::join(scale.systems, ", ")));
    const bool takes_corpus = std::any_of(scale.tracks.begin(), scale.tracks.end(), [](const TrackScale& track) {
      return std::any_of(track.preparations.begin(), track.preparations.end(),
                         [](const Preparation& step) { return step.takes_corpus; });
    });
    if (!takes_corpus && !options.corpus.empty())
      throw UsageError(
          fmt::format("[reproduce] --corpus is text for the scales that train on real code, found it with "
                      "--scale {}, which trains on exercises only",
                      scale.name));
    return Planner(scale, options).plan();
  }
  throw UsageError(fmt::format("[reproduce] --scale must be one of {}, found '{}'", fmt::join(scale_names(), ", "),
                               escaped(options.scale)));
}

std::string plan_text(const Plan& plan, int jobs) {
  const std::string side_by_side =
      jobs > 1 ? fmt::format(", {} with --jobs {}", short_duration(duration_of(plan, jobs)), jobs) : "";
  std::string text = fmt::format(
      "#!/bin/sh -e\n# reproduce --scale {}: {}, {}, about {} one after the other{}, {} on the disk\n# estimated from "
      "{}\n",
      plan.scale, counted(plan.stages.size(), "stages"), counted(plan.seeds.size(), "seeds"),
      short_duration(plan.seconds()), side_by_side, size_text(plan.bytes()), plan.basis);
  if (!plan.items.empty()) text += fmt::format("# for {}\n", fmt::join(plan.items, ", "));
  for (const auto& [name, content] : plan.files)
    text += fmt::format("mkdir -p {} && cat > {} <<'END'\n{}\nEND\n", shell_word(name.substr(0, name.rfind('/'))),
                        shell_word(name), content);
  for (const Stage& stage : plan.stages) {
    text += fmt::format("\n# {}: {}, {}", stage.id, short_duration(stage.seconds), size_text(stage.bytes));
    if (!stage.needs.empty()) text += fmt::format(", after {}", fmt::join(stage.needs, ", "));
    text += "\nmultipl_moe";
    for (const std::string& word : stage.words) text += " " + shell_word(word);
    if (stage.prints) text += " > " + shell_word(stage.output);
    text += "\n";
  }
  return text;
}

}  // namespace multipl_moe::reproduce
