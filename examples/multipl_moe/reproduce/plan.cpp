#include "multipl_moe/reproduce/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/scale.hpp"
#include "multipl_moe/reproduce/schedule.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe::reproduce {

namespace {

using Words = std::vector<std::string>;

bool contains(const auto& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void append(Words& words, const auto& more) { words.insert(words.end(), more.begin(), more.end()); }

bool trains_bases(const Scale& scale) {
  return std::any_of(scale.tracks.begin(), scale.tracks.end(), [](const TrackScale& track) { return track.has_bases; });
}

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
        if (options_.items.empty() ? is_usual(item) : contains(options_.items, item)) plan_.items.emplace_back(item);
    for (const TrackScale& track : scale_.tracks) add_track(track);
    return std::move(plan_);
  }

 private:
  bool is_usual(std::string_view item) const {
    return !is_apart(item) || (options_.with_apart && trains_bases(scale_));
  }
  bool is_wanted(const System& system) const {
    if (!scale_.systems.empty()) return contains(scale_.systems, system.name);
    return std::any_of(system.items.begin(), system.items.end(),
                       [&](std::string_view item) { return contains(plan_.items, item); });
  }
  /// Whether probes of the system answer questions.
  bool is_probed(const System& system) const {
    return contains(plan_.items, "questions") && system.is_of("questions") && system.steps > 0;
  }
  bool needs_traces() const {
    return !scale_.systems.empty() || std::any_of(plan_.items.begin(), plan_.items.end(), shows_routing);
  }
  /// Whether the experts that the system selects depend on the text, so that a page can show them in it.
  static bool routes_text(const System& system) {
    return !system.upcycle.empty() && !contains(system.upcycle, "lora") && !contains(system.upcycle, "mole");
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
    if (!track.item.empty() && !contains(plan_.items, track.item)) return;
    if (!track.config.empty()) plan_.files.emplace_back(track.name + "/model.json", track.config);
    Words before;
    for (const Preparation& step : track.preparations) {
      Words words = step.words;
      if (step.takes_corpus) append(words, options_.corpus.empty() ? Words{"CORPUS"} : options_.corpus);
      before = {add(track.name + "/" + step.name, words, before, step.seconds, step.bytes)};
    }
    for (const std::uint64_t seed : plan_.seeds) add_seed(track, seed, before);
  }

  void add_seed(const TrackScale& track, std::uint64_t seed, const Words& data) {
    for (const BaseModel& base : bases()) {
      const bool is_first = base.name == bases().front().name;
      if (!is_first && !(track.has_bases && contains(plan_.items, "bases"))) continue;
      add_base(track, base, seed, data);
    }
  }

  void add_base(const TrackScale& track, const BaseModel& base, std::uint64_t seed, const Words& data) {
    const std::string seed_folder = fmt::format("{}/seed-{}/", track.name, seed);
    const std::string folder = seed_folder + std::string(base.name) + "/";
    std::string model = track.base_model;
    Words needs = data;
    if (model.empty()) {
      Words words{"pretrain"};
      append(words, track.new_model);
      if (track.has_bases) append(words, Words{"--mix", std::string(base.mix)});
      append(words, track.pretrain);
      append(words, Words{"--seed", fmt::to_string(seed)});
      model = folder + "run";
      const double bytes = 12 * track.parameters;  // weights and two moments
      needs = {add(model, words, data, track.base_tokens / track.tokens_per_second, bytes)};
    }
    add_scores(track, folder, model, needs, true);
    for (const System& system : systems())
      if (system.base == base.name && is_wanted(system))
        add_system(track, system, seed, seed_folder + system.name + "/", model, needs);
  }

  void add_system(const TrackScale& track, const System& system, std::uint64_t seed, const std::string& folder,
                  const std::string& base, const Words& after_base) {
    if (track.scored == Scored::by_letters && !is_probed(system)) return;
    // Bits per byte of a model whose routing sees the text are no score; `probe leak` measures what it sees.
    if (track.scored == Scored::by_bits && !system.is_causal && !is_probed(system)) return;
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
    if (system.steps > 0) {
      Words words = track.train;
      append(words, Words{"--model", model, "--seed", fmt::to_string(seed), "--steps",
                          fmt::to_string(std::llround(static_cast<double>(track.post_steps) * system.steps))});
      if (!track.mix.empty() && !contains(system.train, "--mix")) append(words, Words{"--mix", track.mix});
      append(words, system.train);
      model = folder + "run";
      needs = {add(model, words, needs, track.post_tokens * system.steps * system.active / track.tokens_per_second,
                   track.parameters * (track.weight_bytes * system.total + 8 * system.trainable))};
    }
    if (track.scored != Scored::by_bits || system.is_causal) add_scores(track, folder, model, needs, system.is_causal);
    add_looks_inside(track, system, folder, model, needs);
  }

  /// What shows the routing of a system, and what its experts are worth.
  void add_looks_inside(const TrackScale& track, const System& system, const std::string& folder,
                        const std::string& model, const Words& needs) {
    const Words inputs{"--model", model, "--data", track.name + "/data"};
    const auto command = [&](Words words) {
      append(words, inputs);
      append(words, track.look);
      return words;
    };
    const double passes = 6e-7 * track.parameters * system.active;
    if (track.scored == Scored::by_bits && is_probed(system))
      add(folder + "leak", command({"probe", "leak"}), needs, 20, 1e4);
    if (!track.traces) return;
    if (system.name == "multipl-moe" && needs_traces()) add(folder + "routing", command({"trace"}), needs, 20, 1e6);
    if (routes_text(system))
      add(folder + "page", command({"trace"}), needs, 1 + passes, 1e6, folder + "routing.html", false, "--html");
    if (!is_probed(system)) return;
    add(folder + "lesion", command({"probe", "lesion"}), needs, 20 + 20 * passes, 1e5);
    add(folder + "bypass", command({"probe", "bypass"}), needs, 5 + passes, 1e4);
  }

  void add_scores(const TrackScale& track, const std::string& folder, const std::string& model, const Words& needs,
                  bool is_causal) {
    Words words = track.score;
    append(words, Words{"--model", model});
    const double seconds = track.score_seconds * (is_causal ? 1 : track.prefix_factor);
    switch (track.scored) {
      case Scored::by_tests:
        add(folder + "scores", words, needs, seconds, 2e6);
        break;
      case Scored::by_bits:
        add(folder + "scores", words, needs, seconds, 1e3, folder + "scores.json", true);
        break;
      case Scored::by_letters:
        add(folder + "leak", words, needs, seconds, 1e4);
    }
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
    if (options.items == Words{"bases"} && !options.corpus.empty())
      throw UsageError(
          "[reproduce] --corpus is real code, found it with --only bases, whose models are scored on exercises; leave "
          "it out, or name other tables and figures too");
    if (!takes_corpus && !options.corpus.empty())
      throw UsageError(
          fmt::format("[reproduce] --corpus is text for the scales that train on real code, found it with "
                      "--scale {}, which trains on exercises only",
                      scale.name));
    if (!trains_bases(scale) && contains(options.items, "bases"))
      throw UsageError(
          fmt::format("[reproduce] --only bases trains base models on other mixes of text, found it with --scale {}, "
                      "whose base model is given",
                      scale.name));
    return Planner(scale, options).plan();
  }
  throw UsageError(fmt::format("[reproduce] --scale must be one of {}, found '{}'", fmt::join(scale_names(), ", "),
                               escaped(options.scale)));
}

bool has_models_apart(const Plan& plan, const std::set<std::string>& finished) {
  return std::any_of(plan.stages.begin(), plan.stages.end(), [&](const Stage& stage) {
    const auto run = run_stage_of(stage);
    return run && is_model_apart(run->system) && finished.contains(stage.id);
  });
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
