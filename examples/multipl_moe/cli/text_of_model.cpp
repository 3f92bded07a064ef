#include "multipl_moe/cli/text_of_model.hpp"

#include <fmt/format.h>

#include "multipl_moe/data/prepare.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/tokenizer_fit.hpp"

namespace multipl_moe {

namespace {

const std::string bytes = "bytes";

/// The option that selects the tokenizer of that name, for an error message.
std::string option_for(const std::string& name) {
  if (name.empty()) return "the --tokenizer FOLDER that `prepare` was given";
  return name == bytes ? "no --tokenizer" : "--tokenizer " + escaped(name);
}

std::string remedy(const std::string& found, const Tokenizer& wanted, const std::string& model) {
  const std::string again = fmt::format("`prepare` with {}", option_for(wanted.name() == bytes ? bytes
                                                                        : model.empty()        ? wanted.name()
                                                                                               : model));
  return model.empty() ? fmt::format("give {}, or make the text again by {}", option_for(found), again)
                       : fmt::format("make the text again by {}", again);
}

}  // namespace

void require_tokenizer_fits(const std::string& folder, const ModelConfig& config, const Tokenizer& tokenizer) {
  if (const auto misfit = misfit_of(tokenizer, config)) throw BadFile(folder, *misfit);
}

LanguageFiles open_text(const std::string& data, std::string_view split, const Tokenizer& tokenizer,
                        const std::string& model) {
  try {
    return open_language_files(data, split, tokenizer.hash());
  } catch (const OtherTokenizer& other) {
    const std::string found = other.hash() == byte_tokenizer()->hash() ? bytes : tokenizer_named_in(data, other.hash());
    throw BadFile(other.path(), fmt::format("must be text of the tokenizer {}, found that of {} ({}); {}",
                                            described(tokenizer), found.empty() ? "another one" : escaped(found),
                                            counted(other.vocab_size(), "tokens"), remedy(found, tokenizer, model)));
  }
}

}  // namespace multipl_moe
