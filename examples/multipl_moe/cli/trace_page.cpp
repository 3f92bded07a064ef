#include "multipl_moe/cli/trace_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/model/routing_file.hpp"

namespace multipl_moe {

namespace {

constexpr std::uint64_t largest_source = 64ULL << 20;

RoutedText text_of_file(const std::filesystem::path& path, std::int64_t most, const Tokenizer& tokenizer) {
  const std::string source = read_whole_file(path, largest_source);
  RoutedText text{.title = path.native(), .language = language_of(path), .tokens = tokenizer.encode(source)};
  if (text.tokens.empty()) throw BadFile(path, "must have text, found an empty file");
  text.source_tokens = std::ssize(text.tokens);
  if (most > 0) text.tokens.resize(static_cast<std::size_t>(std::min(most, text.source_tokens)));
  return text;
}

/// The first `most` tokens of a language's held-out text; 0: all whole sequences.
RoutedText held_out_text(const TokenFile& file, Language language, std::int64_t most, std::int64_t length,
                         const Tokenizer& tokenizer) {
  RoutedText text{
      .title = std::string(title_of(language)),
      .language = language,
      .tokens = evaluation_text(file, length, {.sequences = (most + length - 1) / length}, tokenizer).tokens,
      .source_tokens = file.token_count() + file.document_count()};
  if (most > 0) text.tokens.resize(std::min(static_cast<std::size_t>(most), text.tokens.size()));
  return text;
}

/// Tokens of each of `texts` held-out texts unless a flag gives them: as many as a page has room for, but not more than
/// most readers want to see.
std::int64_t usual_tokens(const ModelConfig& config, std::int64_t texts, std::int64_t layers) {
  // A choice on the page is like "12,250,200,"; there are those of the selected experts and of two others.
  const std::int64_t row = 4 + 12 * (config.moe->num_experts_per_tok + 2);
  const std::int64_t room = static_cast<std::int64_t>(largest_page) * 4 / 5;
  return std::clamp<std::int64_t>(room / (texts * (8 + layers * row)), 1, 1024);
}

std::vector<std::int64_t> layers_of_page(const std::vector<std::int64_t>& wanted, const ModelConfig& config) {
  std::vector<std::int64_t> layers;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer)
    if (!config.is_dense_layer(layer)) layers.push_back(layer);
  for (const std::int64_t layer : wanted)
    if (!std::binary_search(layers.begin(), layers.end(), layer))
      throw UsageError(fmt::format("[trace] --html-layers must name layers that route, of 0 to {}, found {}",
                                   config.num_hidden_layers - 1, layer));
  return wanted.empty() ? layers : wanted;
}

}  // namespace

void add_trace_page_options(CLI::App& command, TracePageFlags& flags) {
  command
      .add_option("--html", flags.html,
                  "write a page that shows the routing in the text itself, token by token: one file for a browser, "
                  "without network, of at most 2 MB")
      ->type_name("FILE");
  command
      .add_option("--file", flags.files,
                  "source file that the page shows, of any language; may be given several times [the beginning of "
                  "each language's held-out text in --data]")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      .add_option(
          "--html-tokens", flags.tokens,
          "tokens of each text on the page, from its beginning; 0: all [at most 1024 of a language in --data, fewer "
          "for a model of many layers; all of a --file]")
      ->check(not_negative());
  command
      .add_option("--html-layers", flags.layers, "layers on the page, counted from 0, such as 0,11,23 [all that route]")
      ->delimiter(',')
      ->check(not_negative());
}

std::int64_t TracePagePlan::longest() const {
  std::int64_t tokens = 0;
  for (const RoutedText& text : texts) tokens = std::max(tokens, std::ssize(text.tokens));
  return tokens;
}

TracePagePlan plan_trace_page(const TracePageFlags& flags, const ModelConfig& config, const Tokenizer& tokenizer,
                              const LanguageFiles& held_out, std::int64_t length) {
  require_routed("trace", "--html", config);
  const std::filesystem::path path = flags.html;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::error_code failed;
      !std::filesystem::is_directory(folder, failed) || std::filesystem::is_directory(path, failed))
    throw UsageError(
        fmt::format("[trace] --html must name a file in an existing folder, found '{}'", escaped(flags.html)));
  TracePagePlan plan{.texts = {}, .layers = layers_of_page(flags.layers, config)};
  for (const std::string& file : flags.files)
    plan.texts.push_back(text_of_file(file, flags.tokens.value_or(0), tokenizer));
  if (flags.files.empty()) {
    const auto languages =
        std::count_if(held_out.begin(), held_out.end(), [](const auto& file) { return file != nullptr; });
    const std::int64_t tokens = flags.tokens.value_or(usual_tokens(config, languages, std::ssize(plan.layers)));
    for (const Language language : all_languages)
      if (const auto& file = held_out[index_of(language)])
        plan.texts.push_back(held_out_text(*file, language, tokens, length, tokenizer));
  }
  require_room_on_page(plan.texts, std::ssize(plan.layers));
  return plan;
}

void write_trace_page(const TracePageFlags& flags, const std::string& model_name, LanguageModel& model,
                      const TraceOptions& options, TracePagePlan plan) {
  for (RoutedText& text : plan.texts)
    route_text(model, {.sequences = options.sequences, .length = options.length, .layers = plan.layers}, text);
  const RoutingPage page{.model = model_name,
                         .architecture = std::string(model.config().architecture()),
                         .is_causal = model.is_causal(),
                         .fixed_token_experts = fixed_token_experts(model.config()),
                         .texts = std::move(plan.texts)};
  const std::string html = routing_page(page, *model.tokenizer());
  write_file_atomically(flags.html, html);
  notice("wrote {}: {}, {}, {}\n", escaped(flags.html), counted(page.texts.size(), "texts"),
         counted(plan.layers.size(), "layers"), short_bytes(static_cast<double>(html.size())));
}

}  // namespace multipl_moe
