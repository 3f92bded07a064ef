#include "multipl_moe/eval/generate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

void add_generate_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("generate", "Continues a text.");
  struct Flags {
    std::string model, prompt, language;
    GenerateOptions options;
    int threads = 0;
  };
  const auto flags = std::make_shared<Flags>();
  command.add_option("--model", flags->model, "model folder or run folder")->required()->type_name("DIR");
  command.add_option("--prompt", flags->prompt, "text to continue; -: from stdin")->required()->type_name("TEXT");
  command.add_option("--max-new-tokens", flags->options.max_new_tokens, "tokens at most")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--temperature", flags->options.temperature, "0: always the most probable token")
      ->capture_default_str()
      ->check(not_negative());
  command.add_option("--top-p", flags->options.top_p, "draw from the smallest set of this probability, in (0, 1]")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--seed", flags->options.seed, "of the draws")->capture_default_str();
  command.add_option("--stop", flags->options.stop, "text that ends the output; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command
      .add_option("--language", flags->language,
                  "of text outside Markdown's code fences, for a model that chooses by it (mole): python, java, cpp, "
                  "rust, go, ruby [none]")
      ->type_name("NAME");
  add_threads_option(command, flags->threads);
  command.callback([flags] {
    if (!flags->language.empty()) flags->options.language = language_named(flags->language);
    const auto model = load_model(flags->model, flags->threads);
    if (!model->is_causal())
      notice("note: this model routes by what comes later; every token costs a pass over the whole text\n");
    std::string prompt = flags->prompt;
    if (prompt == "-") prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    generate(*model, prompt, flags->options, [&](std::string_view piece) {
      fmt::print("{}", terminal ? printable_text(piece) : std::string(piece));
      std::fflush(stdout);
    });
    fmt::print("\n");
  });
}

}  // namespace multipl_moe
