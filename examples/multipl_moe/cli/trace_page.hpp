/// The page of `trace --html`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/report/routing_page.hpp"
#include "multipl_moe/report/routing_trace.hpp"

namespace multipl_moe {

struct TracePageFlags {
  std::string html;                    ///< empty: no page
  std::vector<std::string> files;      ///< shown instead of held-out text
  std::optional<std::int64_t> tokens;  ///< of each text, from its beginning; 0: all
  std::vector<std::int64_t> layers;    ///< empty: all
};
/// Adds --html, --file, --html-tokens and --html-layers.
void add_trace_page_options(CLI::App& command, TracePageFlags& flags);

/// The texts of the page, tokenized, and the layers that it shows.
struct TracePagePlan {
  std::vector<RoutedText> texts;
  std::vector<std::int64_t> layers;

  std::int64_t longest() const;
};
/// Reads the files, or without any the beginning of each language in `held_out`. Throws UsageError for a model without
/// routers, layers that it does not have, a page in a missing folder and one that cannot be small enough; BadFile for a
/// file without text; IoError.
TracePagePlan plan_trace_page(const TracePageFlags& flags, const ModelConfig& config, const Tokenizer& tokenizer,
                              const LanguageFiles& held_out, std::int64_t length);

/// Routes the texts and writes the page. `model_name`: as the user calls the model. Throws UsageError if the page is
/// too large; IoError.
void write_trace_page(const TracePageFlags& flags, const std::string& model_name, LanguageModel& model,
                      const TraceOptions& options, TracePagePlan plan);

}  // namespace multipl_moe
