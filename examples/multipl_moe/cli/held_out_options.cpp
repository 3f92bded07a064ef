#include "multipl_moe/cli/held_out_options.hpp"

namespace multipl_moe {

void add_held_out_options(CLI::App& command, HeldOut& held_out) {
  command.add_option("--dev-fraction", held_out.dev, "of the documents, held out to choose settings")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--test-fraction", held_out.test, "of the documents, held out to report")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
}

}  // namespace multipl_moe
