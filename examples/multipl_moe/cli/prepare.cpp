#include "multipl_moe/data/prepare.hpp"

#include <fmt/format.h>

#include <memory>
#include <numeric>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/tables.hpp"

namespace multipl_moe {

void add_prepare_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "prepare", "Converts folders of source files to token files, by language and split (train, dev, test).");
  struct Flags {
    PrepareOptions options;
    std::string tokenizer;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  PrepareOptions& o = flags->options;
  command.add_option("sources", o.sources, fmt::format("folders of source files ({})", known_extensions()))
      ->required()
      ->type_name("DIR...");
  command.add_option("-o,--output", o.out, "folder for the token files")->required()->type_name("DIR");
  add_tokenizer_option(command, flags->tokenizer);
  add_split_options(command, o.held_out);
  command.add_option("--max-train-bytes", o.max_train_bytes, "maximum training text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command
      .add_option("--max-held-out-bytes", o.max_held_out_bytes,
                  "maximum dev text and maximum test text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command.add_flag("--json", flags->json, "print the report as JSON");
  command.callback([flags] {
    flags->options.tokenizer = tokenizer_of(flags->tokenizer);
    const PrepareReport report = prepare(flags->options);
    fmt::print("{}\n", flags->json ? to_json_text(report) : prepare_table(report));
  });
}

}  // namespace multipl_moe
