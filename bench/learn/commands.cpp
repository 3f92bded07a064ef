#include "bench/learn/commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "bench/learn/page.hpp"
#include "bench/learn/pictures.hpp"
#include "bench/learn/study.hpp"
#include "bench/run_as_command.hpp"
#include "bench/strategies/all.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"

namespace moe_bench {

namespace {

namespace fs = std::filesystem;
using multipl_moe::above_zero;
using StrategyList = std::vector<Strategy<moe::Cpu<>>>;

/// The named strategies, in the order of the list.
StrategyList chosen(std::vector<std::string> names) {
  std::transform(names.begin(), names.end(), names.begin(), current_strategy);
  StrategyList all = all_strategies<moe::Cpu<>>();
  if (names == std::vector<std::string>{"all"}) return all;
  for (const std::string& name : names)
    if (std::none_of(all.begin(), all.end(), [&](const auto& s) { return s.name == name; })) {
      std::string known = "all";
      for (const auto& strategy : all) known += ", " + strategy.name;
      throw multipl_moe::UsageError(
          fmt::format("[learn] --strategies must name some of {}, found '{}'", known, multipl_moe::escaped(name)));
    }
  std::erase_if(all, [&](const auto& s) { return std::find(names.begin(), names.end(), s.name) == names.end(); });
  return all;
}

struct LearnFlags {
  std::string data, out, tokenizer;
  std::vector<std::string> strategies{"all"};
  StudyOptions options;
};

/// Throws UsageError for the strategy whose segments end at one token, with a tokenizer where many tokens end a line.
void require_token_of_line_ends(const StrategyList& strategies, const std::string& tokenizer) {
  const bool is_named = std::any_of(strategies.begin(), strategies.end(),
                                    [](const auto& strategy) { return strategy.name == "line-segment"; });
  if (is_named && !tokenizer.empty())
    throw multipl_moe::UsageError(
        "[learn] the strategy line-segment cuts after the byte of a line end, and with --tokenizer many tokens have "
        "one; name other ones in --strategies (syntax-segment reads all tokens), or give no --tokenizer");
}

void learn(const LearnFlags& flags) {
  StudyOptions options = flags.options;
  options.data = flags.data;
  options.out = flags.out;
  options.tokenizer = multipl_moe::tokenizer_of(flags.tokenizer);
  options.tokenizer_folder = flags.tokenizer;
  if (options.choices > options.experts)
    throw multipl_moe::UsageError(
        fmt::format("[learn] --choices must be at most --experts, found {} and {}", options.choices, options.experts));
  const StrategyList strategies = chosen(flags.strategies);
  require_token_of_line_ends(strategies, flags.tokenizer);
  run_study(strategies, options);
}

/// What the record does not have: the arguments of the commands that made the study's data, for the page.
struct Origin {
  std::string prepared = "CORPUS", tokenizer_trained;
};

/// A command of these parts, in lines of at most 120 characters.
std::string shell_command(const std::vector<std::string>& parts) {
  std::string text, line;
  for (const std::string& part : parts) {
    if (!line.empty() && line.size() + part.size() + 3 > 120) {
      text += line + " \\\n";
      line = "  " + part;
    } else {
      line += (line.empty() ? "" : " ") + part;
    }
  }
  return text + line + '\n';
}

/// The commands that reproduce the study.
std::string commands_of(const Record& record, const Origin& origin, Times times) {
  const StudySetup& s = record.setup;
  std::vector<std::string> names;
  std::int64_t seeds = 0;
  for (const ResultLine& result : record.results) {
    seeds = std::max(seeds, result.seed + 1);
    if (std::find(names.begin(), names.end(), result.strategy) == names.end()) names.push_back(result.strategy);
  }
  const StrategyList all = chosen({"all"});
  const bool has_all = std::all_of(all.begin(), all.end(), [&](const auto& strategy) {
    return std::find(names.begin(), names.end(), strategy.name) != names.end();
  });
  const std::string tokenizer = s.tokenizer.empty() ? "" : "--tokenizer " + s.tokenizer;
  std::string text;
  if (!origin.tokenizer_trained.empty())
    text += shell_command({"multipl_moe tokenizer train", origin.tokenizer_trained, "--output " + s.tokenizer});
  std::vector<std::string> prepare{"multipl_moe prepare", origin.prepared}, learn{"moe_bench learn --data DATA"},
      report{"moe_bench report --from STUDY", fmt::format("--prepared '{}'", origin.prepared)};
  if (!tokenizer.empty()) prepare.push_back(tokenizer), learn.push_back(tokenizer);
  prepare.emplace_back("--output DATA");
  learn.push_back(fmt::format("--strategies {}", has_all ? "all" : fmt::format("{}", fmt::join(names, ","))));
  learn.push_back(fmt::format("--steps {}", s.steps));
  learn.push_back(fmt::format("--seeds {}", seeds));
  learn.push_back(fmt::format("--experts {}", s.experts));
  learn.push_back(fmt::format("--choices {}", s.choices));
  const StudyOptions usual;
  const auto add_unusual = [&](const char* name, auto value, auto usual_value) {
    if (value != usual_value) learn.push_back(fmt::format("{} {}", name, value));
  };
  add_unusual("--window", s.window, usual.window);
  add_unusual("--batch-size", s.sequences, usual.sequences);
  add_unusual("--sequence-length", s.length, usual.length);
  add_unusual("--learning-rate", s.learning_rate, usual.learning_rate);
  add_unusual("--curve-bytes", s.curve_bytes, usual.curve_bytes);
  add_unusual("--test-bytes", s.test_bytes, usual.test_bytes);
  learn.push_back(fmt::format("--threads {}", s.threads));
  learn.emplace_back("--out STUDY");
  if (!origin.tokenizer_trained.empty())
    report.push_back(fmt::format("--tokenizer-trained '{}'", origin.tokenizer_trained));
  if (times == Times::left_out) report.emplace_back("--without-times");
  report.emplace_back("--out docs/results");
  text += shell_command(prepare) + shell_command(learn) + shell_command(report);
  text.pop_back();
  return text;
}

void report(const fs::path& from, const fs::path& out, const Origin& origin, Times times) {
  const Record record = read_record(from / "learn.jsonl");
  if (!origin.tokenizer_trained.empty() && record.setup.tokenizer.empty())
    throw multipl_moe::UsageError(
        "[report] --tokenizer-trained needs a study with a tokenizer, and this one has bytes as tokens; leave it out");
  const auto strategies = summaries_of(record);
  multipl_moe::create_folders(out / "routing");
  multipl_moe::draw_pictures(out / "routing", study_pictures(ranked(strategies), times));
  multipl_moe::write_file_atomically(
      out / "routing.md", study_page(record.setup, strategies, commands_of(record, origin, times), "routing", times));
}

}  // namespace

Command add_learn_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "learn",
      "train a small language model from scratch with each strategy and record losses and loads; the same command "
      "resumes an interrupted study");
  const auto flags = std::make_shared<LearnFlags>();
  StudyOptions& o = flags->options;
  command.add_option("--data", flags->data, "folder of token files, written by `multipl_moe prepare`")
      ->required()
      ->type_name("DIR");
  command.add_option("--out", flags->out, "folder in which learn.jsonl is written")->required()->type_name("DIR");
  multipl_moe::add_tokenizer_option(command, flags->tokenizer);
  command.add_option("--strategies", flags->strategies, "strategies to train: all, or names from `moe_bench list`")
      ->delimiter(',')
      ->type_name("NAME,...")
      ->capture_default_str();
  const auto add_count = [&](const char* name, std::int64_t& value, const char* what) {
    command.add_option(name, value, what)
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31));
  };
  add_count("--steps", o.steps, "optimizer steps per run");
  add_count("--seeds", o.seeds, "runs per strategy, with the seeds 0, 1, ...");
  add_count("--experts", o.experts, "number of experts, unless a strategy requires another number");
  add_count("--choices", o.choices, "number of experts selected per row");
  add_count("--window", o.window, "tokens per segment");
  add_count("--batch-size", o.sequences, "sequences per step");
  add_count("--sequence-length", o.length, "tokens per sequence");
  add_count("--points", o.points, "number of evaluations during a run");
  add_count("--curve-bytes", o.curve_bytes, "bytes of development text per language in these evaluations");
  add_count("--test-bytes", o.test_bytes, "bytes of test text per language in the final evaluation");
  command.add_option("--learning-rate", o.learning_rate, "peak learning rate of the cosine schedule")
      ->capture_default_str()
      ->check(above_zero());
  multipl_moe::add_threads_option(command, o.threads);
  command.add_flag("-q,--quiet", o.quiet, "print no progress");
  return {&command, [flags] { run_as_command([&] { learn(*flags); }); }};
}

Command add_report_command(CLI::App& program) {
  CLI::App& command =
      *program.add_subcommand("report", "write routing.md and its pictures from the record of a learn command");
  struct ReportFlags {
    std::string from, out = "docs/results";
    Origin origin;
    bool without_times = false;
  };
  const auto flags = std::make_shared<ReportFlags>();
  command.add_option("--from", flags->from, "folder that holds learn.jsonl")->required()->type_name("DIR");
  command.add_option("--out", flags->out, "folder in which routing.md and its folder of pictures are written")
      ->type_name("DIR")
      ->capture_default_str();
  command
      .add_option("--prepared", flags->origin.prepared,
                  "arguments of `multipl_moe prepare` for the study's data, shown among the commands of the page")
      ->type_name("WORDS")
      ->capture_default_str();
  command
      .add_option("--tokenizer-trained", flags->origin.tokenizer_trained,
                  "arguments of `multipl_moe tokenizer train` for the study's tokenizer, shown among them too")
      ->type_name("WORDS");
  command.add_flag(
      "--without-times", flags->without_times,
      "leave out speeds, seconds and what follows from them: for a study on a machine that did other work");
  return {&command, [flags] {
            run_as_command([&] {
              report(flags->from, flags->out, flags->origin, flags->without_times ? Times::left_out : Times::shown);
            });
          }};
}

}  // namespace moe_bench
