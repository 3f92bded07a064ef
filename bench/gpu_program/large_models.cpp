/// The stages that train and decode models of full width.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "bench/gpu_program/stages.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/trainable.hpp"

namespace gpu_program {

namespace {

using multipl_moe::DeviceForm;
using multipl_moe::gib;

constexpr double nominal_flops = 989e12;

/// The fastest of all steps but the first, which loads kernels and fills the pool.
double step_seconds(const TimedTraining& training) {
  const auto begin = training.seconds.size() > 1 ? training.seconds.begin() + 1 : training.seconds.begin();
  return *std::min_element(begin, training.seconds.end());
}

void show_memory(Page& page, const MemoryFound& found, const multipl_moe::DevicePlan& plan, bool is_full) {
  const auto gigabytes = [](std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); };
  page.figure("memory, the most in use", gigabytes(found.high_water), "GiB");
  page.figure("memory, planned", gigabytes(plan.on_device()), "GiB");
  const double share = static_cast<double>(found.high_water) / static_cast<double>(plan.on_device());
  page.figure("memory, found / planned", share, "", Target{.required = 1.1, .at_least = false});
  if (is_full) page.figure("memory, found / planned", share, "", Target{.required = 0.9});
  if (found.pool_reserved > 0)
    page.figure(
        "pool of activations, reserved / used",
        static_cast<double>(found.pool_reserved) / static_cast<double>(std::max(found.pool_used, std::int64_t{1})), "",
        Target{.required = 1.15, .at_least = false});
}

/// Whether the form of training is one that the targets are for, as the first form that fits on an H200 is.
bool is_of_targets(const DeviceForm& form) {
  return form.precision.master == moe::MasterWeights::split &&
         form.checkpointing == multipl_moe::ActivationCheckpointing::off &&
         form.state == multipl_moe::StatePlace::device;
}

/// `is_full`: the targets are those of the whole model in this form. Operations are those of the model: a form that
/// computes some of them twice is not faster for it.
void show_training(const StageContext& on, const OperationSizes& sizes, const DeviceForm& form,
                   const TimedTraining& training, std::int64_t accumulation, bool is_full) {
  const double tokens = static_cast<double>(accumulation * sizes.tokens()), seconds = step_seconds(training);
  const double flops = tokens * training_operations(sizes.config, multipl_moe::post_training_weights(sizes.config),
                                                    sizes.length, multipl_moe::ActivationCheckpointing::off);
  const auto if_full = [&](Target target) { return is_full ? std::optional(target) : std::nullopt; };
  Page& page = on.page;
  page.figure("step", 1e3 * seconds, "ms");
  page.figure("training", tokens / seconds, "tokens/s", if_full({28700, 33000}));
  page.figure("products", 1e-12 * flops / seconds, "TFLOP/s", if_full({465, 535}));
  page.figure("products", flops / seconds / nominal_flops, "of 989 TFLOP/s", if_full({0.47, 0.54}));
  if (const Ceilings ceilings = stored_ceilings(on.folder); ceilings.flops_per_second > 0)
    page.figure("products", flops / seconds / ceilings.flops_per_second, "of a dense product");
  page.figure("optimizer", 1e3 * training.optimizer, "ms");
  show_memory(page, training.memory, plan_of(sizes, form), is_full);
}

constexpr std::int64_t texts = 8;  ///< that are decoded together

/// Bytes of the device that prefill and decoding take, as planned: the pass that calibrates thresholds, then the texts
/// with their keys and values.
std::int64_t bytes_to_generate(const OperationSizes& sizes, std::int64_t decoded) {
  const multipl_moe::WeightsForm weights{multipl_moe::ModelDtype::bfloat16, multipl_moe::WeightsPlace::device};
  const multipl_moe::ScoringSize scoring{.sequences = sizes.sequences, .length = sizes.length, .weights = weights};
  const multipl_moe::GenerationSize generation{.prompt_tokens = std::vector<std::int64_t>(texts, sizes.length),
                                               // One before the timed ones, for one text and then for all.
                                               .new_tokens = 2 * (decoded + 1),
                                               .batch = texts,
                                               .weights = weights};
  return multipl_moe::device_reserve + std::max(total_bytes(multipl_moe::scoring_plan(sizes.config, scoring)),
                                                total_bytes(multipl_moe::generation_plan(sizes.config, generation)));
}

OperationSizes with(OperationSizes sizes, const multipl_moe::ModelConfig& config) {
  sizes.config = config;
  return sizes;
}

}  // namespace

void train_layers(const StageContext& on) {
  // Later the pool still holds what the model before has left to it.
  const std::int64_t free = on.subject.free_bytes();
  for (const std::int64_t layers : on.sizes.layers) {
    OperationSizes sizes = on.sizes.full;
    sizes.config.num_hidden_layers = layers;
    const auto fit = fitted(sizes, free);
    if (fit.config.num_hidden_layers < layers) {
      on.page.not_measured(fmt::format("{} layers", layers), "they do not fit");
      continue;
    }
    on.page.line(fmt::format("{} layers, {}:", layers, fit.form.name()));
    const auto training = time_training(on, sizes, fit.form, 1, on.sizes.steps, false);
    show_training(on, sizes, fit.form, training, 1, false);
    on.page.in_short(fmt::format("{} layers {:.1f} ms", layers, 1e3 * step_seconds(training)));
  }
  on.page.not_measured("time by phase", "the events of a phase are not recorded yet");
}

void train_full(const StageContext& on) {
  const auto fit = fitted(on.sizes.full, on.subject.free_bytes());
  const OperationSizes sizes = with(on.sizes.full, fit.config);
  const bool is_full = fit.config == on.sizes.full.config;
  const bool has_targets = is_full && is_of_targets(fit.form);
  on.page.line(fmt::format(
      "{} of {} layers, {}, {} x {} tokens, accumulation {}; nothing is saved.{}", fit.config.num_hidden_layers,
      on.sizes.full.config.num_hidden_layers, fit.form.name(), sizes.sequences, sizes.length, on.sizes.accumulation,
      is_full ? "" : " More layers do not fit on this GPU: the figures are not those of the model."));
  if (is_full && !has_targets)
    on.page.line("The form that the targets are for does not fit on this GPU: the figures are compared with none.");
  const bool draws_normal = on.subject.threads >= on.sizes.threads_to_draw;
  if (!draws_normal)
    on.page.line(fmt::format("The weights come from a table: {} host threads would take too long to draw them.",
                             on.subject.threads));
  const auto training = time_training(on, sizes, fit.form, on.sizes.accumulation, on.sizes.steps, draws_normal);
  on.page.figure("drawing the weights", training.drawing, "s");
  show_training(on, sizes, fit.form, training, on.sizes.accumulation, has_targets);
  on.page.not_measured("everything that is no product, of a step", "the events of a phase are not recorded yet",
                       Target{.required = 0.15, .at_least = false});
  on.page.not_measured("waits of the host in a step", "they are counted on the emulated device alone");
  on.page.not_measured("reading the weights from cached files, s", "nothing is saved",
                       Target{.required = 15, .at_least = false});
  on.page.in_short(fmt::format("{} layers: {:.0f} tokens/s, {}", fit.config.num_hidden_layers,
                               static_cast<double>(on.sizes.accumulation * sizes.tokens()) / step_seconds(training),
                               gib(training.memory.high_water)));
}

void generate(const StageContext& on) {
  OperationSizes sizes = on.sizes.full;
  // The architecture of the paper reads a text as a whole; this one of the same size can be decoded.
  if (auto& own = sizes.config.moe) {
    auto causal = multipl_moe::mixture_named("causal-multipl-moe", sizes.config.intermediate_size).value();
    causal.num_token_experts = own->num_token_experts;
    causal.num_segment_experts = own->num_segment_experts;
    causal.segment_window = own->segment_window;
    own = causal;
  }
  const std::int64_t planned = bytes_to_generate(sizes, on.sizes.decoded), free = on.subject.free_bytes();
  if (static_cast<double>(planned) > share_of_free * static_cast<double>(free)) {
    on.page.not_measured("prefill and decoding", fmt::format("the plan of {} does not fit into {} of free GPU memory",
                                                             gib(planned), gib(free)));
    on.page.in_short("not measured: the model does not fit");
    return;
  }
  const auto model = on.subject.make(sizes.config);
  fill_from_table(*model, sizes.config.initializer_range);
  const auto tokens = random_tokens(sizes.tokens() + 1, sizes.config.vocab_size, 2);
  const auto as_many = static_cast<std::size_t>(sizes.tokens());
  const multipl_moe::Sequences text{.count = sizes.sequences,
                                    .length = sizes.length,
                                    .tokens = std::span(tokens).first(as_many),
                                    .targets = std::span(tokens).last(as_many)};
  // Thresholds of 0 would send every token to every segment expert.
  for (int pass = 0; pass < 3; ++pass) model->calibrate(text);
  // Equal texts would go to equal experts: fewer weights would be read than by others.
  std::uint64_t seed = 100;
  const auto drawn = [&](std::int64_t count) { return random_tokens(count, sizes.config.vocab_size, ++seed); };
  const auto decoding = model->begin_decoding();
  decoding->join(drawn(sizes.length));
  const auto prompt = drawn(sizes.length);
  const Stopwatch reading;
  decoding->join(prompt);
  const double prefill = static_cast<double>(sizes.length) / reading.seconds();
  on.page.figure("prefill", prefill, "tokens/s");
  on.page.in_short(fmt::format("prefill {:.0f} tokens/s", prefill));
  std::int64_t count = 2;
  // Arithmetic at 4.3 TB/s: 1.5 ms for the 6.3 GB of weights that one text reads, 5.0 ms for all 21.5 GB, which 8 may
  // read, and 4 ms for about 1,000 launches.
  const Target for_one{.required = 5, .goal = 2.5, .at_least = false},
      for_eight{.required = 9, .goal = 5, .at_least = false};
  for (const auto& [together, target] : {std::pair{std::int64_t{1}, for_one}, {std::int64_t{texts}, for_eight}}) {
    for (; count < together; ++count) decoding->join(drawn(sizes.length));
    std::vector<std::int64_t> kept;
    for (std::int64_t i = 0; i < together; ++i) kept.push_back(i);
    decoding->keep(kept);
    count = together;
    decoding->next(drawn(together));
    const Stopwatch writing;
    for (std::int64_t i = 0; i < on.sizes.decoded; ++i) decoding->next(drawn(together));
    const double milliseconds = 1e3 * writing.seconds() / static_cast<double>(on.sizes.decoded);
    on.page.figure(fmt::format("decoding, {} together", together), milliseconds, "ms a step", target);
    on.page.in_short(fmt::format("{} together {:.2f} ms a step", together, milliseconds));
  }
}

void train_forms(const StageContext& on) {
  const std::int64_t free = on.subject.free_bytes();
  const OperationSizes sizes = with(on.sizes.full, fitted(on.sizes.full, free).config);
  const DeviceForm offloaded{.precision = {moe::MasterWeights::split, multipl_moe::AdamWPrecision::Moments::float32},
                             .state = multipl_moe::StatePlace::host};
  for (const DeviceForm& form : multipl_moe::all_device_forms()) {
    // Those that round weights themselves are for small GPUs alone.
    if (form.precision.master != moe::MasterWeights::split) continue;
    const auto plan = plan_of(sizes, form);
    // One of these shows what the copies of a step cost; allocating pinned memory takes most of the stage's time.
    if (form.state == multipl_moe::StatePlace::host && form != offloaded) continue;
    if (!fits(plan, free)) {
      on.page.not_measured(form.name(), fmt::format("its plan of {} does not fit", gib(plan.on_device())));
      continue;
    }
    on.page.line(fmt::format("{} layers, {}:", sizes.config.num_hidden_layers, form.name()));
    const auto training = time_training(on, sizes, form, 1, 2, false);
    show_training(on, sizes, form, training, 1, false);
    on.page.in_short(
        fmt::format("{}: {:.0f} ms, {}", form.name(), 1e3 * step_seconds(training), gib(training.memory.high_water)));
  }
}

}  // namespace gpu_program
