#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/probe.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/probe/leak_report.hpp"
#include "multipl_moe/probe/random_corpus.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

namespace {

struct LeakFlags : HeldOutFlags {
  std::string output;
  probe::LeakOptions options;
  bool json = false;
};

std::vector<std::string> alphabet_names() {
  std::vector<std::string> names;
  for (const probe::Alphabet& alphabet : probe::alphabets) names.emplace_back(alphabet.name);
  return names;
}

void run_leak(const LeakFlags& flags) {
  constexpr const char* command = "probe leak";
  if (flags.data.empty() && flags.split != HeldOutFlags().split)
    throw UsageError("[probe leak] --split is a setting of --data, found none");
  require_new_folder(command, flags.output);
  require_usable(flags, command);
  const probe::LeakOptions& options = flags.options;
  const ModelConfig config = load_config(flags.model);
  require_positions(command, config, options.length);
  const auto tokenizer = read_tokenizer(model_folder(flags.model));
  require_tokenizer_fits(flags.model, config, *tokenizer);
  probe::alphabet_for(options.alphabet, *tokenizer);
  const LanguageFiles files = flags.data.empty() ? LanguageFiles() : open_held_out(flags);
  const std::int64_t longest = std::max(longest_text(files, 0), options.lines * probe::bytes_of_line);
  const auto model = load_for_inference(
      flags, scoring_run(command, flags.model, {options.sequences, options.length, longest, /*is_observed=*/true}));
  const probe::LeakReport report = probe::measure_leak(*model, files, options);
  const std::string page = probe::leak_page(report, flags.model), json = probe::leak_json(report);
  save_folder_atomically(flags.output, [&](const std::filesystem::path& made) {
    write_file_atomically(made / "leak.md", page);
    write_file_atomically(made / "leak.csv", probe::leak_csv(report));
    write_file_atomically(made / "leak.json", json + "\n");
  });
  fmt::print("{}", flags.json ? json + "\n" : page);
}

}  // namespace

void add_probe_leak(CLI::App& group) {
  CLI::App& command = *group.add_subcommand(
      "leak",
      "Tests whether a model's scores know later tokens: on random letters, of which a causal model can know an exact "
      "share at most, and by scoring each prefix alone.");
  const auto flags = std::make_shared<LeakFlags>();
  probe::LeakOptions& o = flags->options;
  add_held_out_options(command, *flags, o.sequences, o.length);
  command.get_option("--data")->required(false)->description(
      "folder of token files, as written by prepare, whose text is scored besides the random letters");
  command.add_option("-o,--output", flags->output, "folder for leak.md, leak.csv and leak.json; must be new or empty")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--alphabet", o.alphabet,
                  "the random letters: hex or decimal digits [hex, or decimal for a tokenizer in which two hex digits "
                  "can be one token]")
      ->check(CLI::IsMember(alphabet_names()));
  command.add_option("--lines", o.lines, "lines of 63 random letters")->capture_default_str()->check(above_zero());
  command.add_option("--windows", o.windows, "sequences of each text that are scored again, each prefix alone")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--positions", o.positions, "tokens of each of these sequences that are scored again; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--seed", o.seed, "random seed of letters and positions")->capture_default_str();
  command.add_flag("--json", flags->json, "print leak.json instead of leak.md");
  command.callback([flags] { run_leak(*flags); });
}

void add_probe_random_text(CLI::App& group) {
  CLI::App& command = *group.add_subcommand("random-text",
                                            "Writes lines of random letters as source files for prepare: what a model "
                                            "that is trained on them predicts better "
                                            "than a causal model can, `probe leak` finds.");
  struct Flags {
    probe::RandomCorpus corpus;
    std::string output, alphabet = std::string(probe::alphabets.front().name);
  };
  const auto flags = std::make_shared<Flags>();
  command.add_option("-o,--output", flags->output, "folder for the source files; must be new or empty")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--lines", flags->corpus.lines,
                  "lines of 63 random letters, rounded up to files of 1024 lines, as many of each language")
      ->capture_default_str()
      ->check(above_zero());
  command.add_option("--alphabet", flags->alphabet, "the random letters: hex or decimal digits")
      ->capture_default_str()
      ->check(CLI::IsMember(alphabet_names()));
  command
      .add_option("--seed", flags->corpus.seed,
                  "random seed; the letters that `probe leak` scores are others with every seed")
      ->capture_default_str();
  command.callback([flags] {
    require_new_folder("probe random-text", flags->output);
    for (const probe::Alphabet& alphabet : probe::alphabets)
      if (alphabet.name == flags->alphabet) flags->corpus.alphabet = alphabet;
    const std::int64_t files = probe::write_random_corpus(flags->corpus, flags->output);
    notice("wrote {} of {} lines to {}\n", counted(files, "files"), probe::lines_of_file, escaped(flags->output));
  });
}

}  // namespace multipl_moe
