#include "multipl_moe/cli/run_training.hpp"

#include <fmt/format.h>

#include <string>

#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

TrainResult run_training(LanguageModel& model, BatchStream& stream, const TrainOptions& options) {
  const TrainResult result = train(model, stream, options);
  const std::string saved = result.checkpoint.empty() ? "nothing was saved" : "saved " + result.checkpoint.string();
  if (result.signal != 0)
    throw Interrupted(result.signal,
                      fmt::format("{} taken, {} skipped, {}", counted(result.steps, "steps"), result.skipped, saved));
  if (options.log_every > 0) {
    notice("{}{} ({} skipped), {} in {}, {} tok/s; {}\n", options.label, counted(result.steps, "steps"), result.skipped,
           counted(result.tokens, "tokens"), short_duration(result.seconds), short_count(result.tokens_per_second()),
           saved);
    for (const Language language : all_languages)
      if (stream.tokens_seen(language) > 0)
        notice("{}  {:<7} {:>9} tokens, {:.2f} epochs\n", options.label, title_of(language),
               stream.tokens_seen(language), stream.epochs_seen(language));
  }
  return result;
}

}  // namespace multipl_moe
