#include "bench/gpu_program/stages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "moe/core/random.hpp"
#include "moe/train/adamw.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/model/trainable.hpp"

namespace gpu_program {

namespace {

constexpr const char* ceilings_name = "ceilings.json";
std::filesystem::path ceilings_file(const std::filesystem::path& folder) { return folder / ceilings_name; }

}  // namespace

Sizes Sizes::of_program() {
  Sizes sizes;
  sizes.full.config = multipl_moe::size_named("qwen1.5-1.8b");
  sizes.full.config.moe = multipl_moe::mixture_named("multipl-moe", sizes.full.config.intermediate_size);
  sizes.full.sequences = 4;
  sizes.full.length = 1024;
  return sizes;
}

const std::vector<DefinedStage>& all_stages() {
  static const std::vector<DefinedStage> all{
      {{"doctor", "versions, the machine, and the limits of the GPU", 20, ceilings_name}, find_ceilings},
      {{"operations", "small models of every architecture against the CPU", 40}, compare_models},
      {{"tiny", "tiny trainings: against the CPU, repeated, and resumed", 40}, train_tiny},
      {{"shapes", "attention, loss and norm at full shape", 60}, time_operations},
      {{"layers", "1, 2 and 6 layers of full width", 90}, train_layers},
      {{"full", "training steps of the 10.8B model", 180}, train_full},
      {{"generate", "prefill and decoding of the causal 10.8B model", 40}, generate},
      {{"forms", "recomputation, moments in bfloat16, and state in host memory", 60}, train_forms},
  };
  return all;
}

int run_stage(std::string_view name, const std::function<Subject()>& make_subject, const Sizes& sizes,
              const std::filesystem::path& folder) {
  const auto& all = all_stages();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.stage.name == name; });
  if (found == all.end()) throw multipl_moe::UsageError(fmt::format("[--stage] no stage has the name '{}'", name));
  Page page(folder / (found->stage.name + ".md"), fmt::format("{}: {}", found->stage.name, found->stage.title));
  try {
    const Subject subject = make_subject();
    found->run({subject, sizes, folder, page});
  } catch (const std::exception& error) {
    page.fail(error.what());
  }
  return page.has_failed() ? 1 : 0;
}

// --- the first stage ------------------------------------------------------------------------------------------------

void find_ceilings(const StageContext& on) {
  on.page.line("```\n" + on.subject.machine() + "```");
  const auto found = on.subject.ceilings();
  nlohmann::ordered_json stored;
  for (const TimedOperation& operation : found) {
    show(on.page, operation, {});
    if (operation.bytes > 0) stored["bytes_per_second"] = operation.bytes / operation.seconds;
    if (operation.flops > 0) stored["flops_per_second"] = operation.flops / operation.seconds;
  }
  multipl_moe::write_file_atomically(ceilings_file(on.folder), stored.dump(2) + "\n");
  const Ceilings all = stored_ceilings(on.folder);
  on.page.in_short(fmt::format("copy {:.2f} TB/s, dense bfloat16 {:.0f} TFLOP/s", 1e-12 * all.bytes_per_second,
                               1e-12 * all.flops_per_second));
}

Ceilings stored_ceilings(const std::filesystem::path& folder) {
  if (!multipl_moe::is_there(ceilings_file(folder))) return {};
  const auto stored =
      nlohmann::json::parse(multipl_moe::read_whole_file(ceilings_file(folder), 1 << 16), nullptr, false);
  if (!stored.is_object()) return {};
  return {stored.value("bytes_per_second", 0.0), stored.value("flops_per_second", 0.0)};
}

void show(Page& page, const TimedOperation& operation, const Ceilings& ceilings) {
  page.figure(operation.what, 1e3 * operation.seconds, "ms");
  page.figure(operation.what + ", fastest round", 1e3 * operation.fastest, "ms");
  const auto rate = [&](double amount, const char* unit, double ceiling, const char* of) {
    if (amount <= 0) return;
    page.figure(operation.what, 1e-12 * amount / operation.seconds, unit);
    page.figure(operation.what + ", largest", 1e-12 * amount / operation.fastest, unit);
    if (ceiling > 0) page.figure(operation.what, amount / operation.seconds / ceiling, of);
  };
  rate(operation.flops, "TFLOP/s", ceilings.flops_per_second, "of a dense product");
  rate(operation.bytes, "TB/s", ceilings.bytes_per_second, "of a copy");
}

// --- operations at full shape ---------------------------------------------------------------------------------------

void time_operations(const StageContext& on) {
  const Ceilings ceilings = stored_ceilings(on.folder);
  if (ceilings.flops_per_second <= 0) on.page.line("The limits of the GPU are not known: the stage doctor found none.");
  const OperationSizes& sizes = on.sizes.full;
  double attention = 0;
  for (const TimedOperation& operation : on.subject.operations(sizes)) {
    show(on.page, operation, ceilings);
    if (operation.what.starts_with("attention")) attention += operation.seconds;
    on.page.in_short(fmt::format("{} {:.2f} ms", operation.what, 1e3 * operation.seconds));
  }
  // Milliseconds of a micro-batch of the 10.8B model whose products run at 65 % of 790 TFLOP/s.
  constexpr double micro_batch = 129;
  const double layers = static_cast<double>(sizes.config.num_hidden_layers);
  on.page.figure("attention of all layers, forward and backward", 1e3 * layers * attention, "ms",
                 Target{.required = 0.12 * micro_batch, .goal = 0.05 * micro_batch, .at_least = false});
  on.page.not_measured("attention with cuDNN", "the program is built without it");
}

// --- training -------------------------------------------------------------------------------------------------------

namespace {

std::int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::int64_t Stopwatch::now() { return nanoseconds(); }
double Stopwatch::seconds() const { return 1e-9 * static_cast<double>(now() - begin_); }

std::vector<multipl_moe::Token> random_tokens(std::int64_t count, std::int64_t vocabulary, std::uint64_t seed) {
  std::vector<multipl_moe::Token> tokens(static_cast<std::size_t>(count));
  std::uint64_t state = seed;
  for (multipl_moe::Token& token : tokens) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    token = static_cast<multipl_moe::Token>((state >> 33) % static_cast<std::uint64_t>(vocabulary));
  }
  return tokens;
}

void fill_from_table(multipl_moe::LanguageModel& model, double deviation) {
  // A prime, so that rows do not repeat at a power of two.
  std::vector<float> table(4'194'301);
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<float>(deviation * moe::random_normal(moe::RandomKey{1, 0, 0}, i));
  std::vector<moe::BFloat16> narrow;
  for (const float value : table) narrow.emplace_back(value);
  for (const multipl_moe::TensorRef& tensor : model.tensors()) {
    if (tensor.is_buffer || tensor.shape.size() != 2) continue;
    const std::size_t start = multipl_moe::hash_of(tensor.name) % table.size();
    const auto fill = [&](auto values, const auto& from, std::size_t first) {
      std::size_t at = (start + first) % from.size();
      for (std::size_t i = 0; i < values.size();) {
        const std::size_t count = std::min(values.size() - i, from.size() - at);
        std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), count,
                    values.begin() + static_cast<std::ptrdiff_t>(i));
        i += count;
        at = 0;
      }
    };
    tensor.fill([&](std::size_t first, std::span<std::byte> bytes) {
      if (tensor.dtype == "F32")
        fill(multipl_moe::as_floats(bytes), table, first / sizeof(float));
      else
        fill(multipl_moe::as_bfloat16s(bytes), narrow, first / sizeof(moe::BFloat16));
    });
  }
}

multipl_moe::DevicePlan plan_of(const OperationSizes& sizes, const multipl_moe::DeviceForm& form) {
  const auto trains = multipl_moe::post_training_weights(sizes.config);
  return device_plan(sizes.config, multipl_moe::training_counts(sizes.config, trains), {sizes.sequences, sizes.length},
                     form);
}

bool fits(const multipl_moe::DevicePlan& plan, std::int64_t free) {
  const auto on_host = multipl_moe::free_memory_bytes();
  return static_cast<double>(plan.on_device()) <= share_of_free * static_cast<double>(free) &&
         (!on_host || static_cast<double>(plan.pinned) <= 0.9 * static_cast<double>(*on_host));
}

FittedTraining fitted(const OperationSizes& sizes, std::int64_t free) {
  OperationSizes fewer = sizes;
  for (; fewer.config.num_hidden_layers > 0; --fewer.config.num_hidden_layers)
    for (const multipl_moe::DeviceForm& form : multipl_moe::all_device_forms()) {
      const auto plan = plan_of(fewer, form);
      if (fits(plan, free)) return {fewer.config, form, plan};
    }
  throw multipl_moe::Failure(
      fmt::format("not even one layer can be trained in {} of GPU memory", multipl_moe::gib(free)));
}

namespace {

/// Of tokens that are drawn uniformly: log of the vocabulary, and half of the variance of logits, which are products of
/// a normalized row with normal weights.
double loss_of_random_weights(const multipl_moe::ModelConfig& config) {
  const double deviation = config.initializer_range;
  return std::log(static_cast<double>(config.vocab_size)) +
         0.5 * deviation * deviation * static_cast<double>(config.hidden_size);
}

}  // namespace

TimedTraining time_training(const StageContext& on, const OperationSizes& sizes, const multipl_moe::DeviceForm& form,
                            std::int64_t accumulation, std::int64_t steps, bool draws_normal) {
  const Subject& subject = on.subject;
  TimedTraining result;
  subject.forget_peak();
  const Stopwatch drawing;
  const auto model = subject.make(sizes.config);
  if (draws_normal)
    model->initialize(1, sizes.config.initializer_range);
  else
    fill_from_table(*model, sizes.config.initializer_range);
  subject.wait();
  result.drawing = drawing.seconds();
  model->begin_training(multipl_moe::post_training_weights(sizes.config), form.precision, 1, form.state);
  const auto tokens = random_tokens(sizes.tokens() + 1, sizes.config.vocab_size, 1);
  const auto as_many = static_cast<std::size_t>(sizes.tokens());
  const moe::AdamW optimizer;
  for (std::int64_t step = 1; step <= steps; ++step) {
    const Stopwatch whole;
    double loss = 0;
    for (std::int64_t part = 0; part < accumulation; ++part) {
      const multipl_moe::Sequences batch{.count = sizes.sequences,
                                         .length = sizes.length,
                                         .tokens = std::span(tokens).first(as_many),
                                         .targets = std::span(tokens).last(as_many),
                                         .number = ((step - 1) * accumulation + part) * sizes.sequences};
      const double share = 1 / static_cast<double>(accumulation);
      loss += share * model->accumulate(batch, share, {.balance = 0.01}, form.checkpointing).loss;
    }
    const double norm = model->gradient_norm();
    const Stopwatch last;
    model->step(optimizer, on.sizes.learning_rate, step, std::min(1.0, 1 / norm));
    subject.wait();
    result.optimizer = last.seconds();
    result.seconds.push_back(whole.seconds());
    result.losses.push_back(loss);
    on.page.line(fmt::format("Step {} of {} layers: {:.3f} s, loss {:.4f}, gradient norm {:.4g}.", step,
                             sizes.config.num_hidden_layers, result.seconds.back(), loss, norm));
    if (!std::isfinite(loss) || !std::isfinite(norm))
      throw multipl_moe::Failure("the loss or its gradient is not finite");
  }
  result.memory = subject.memory();
  if (const double random = loss_of_random_weights(sizes.config); !(std::abs(result.losses.front() - random) <= 0.5))
    on.page.fail(
        fmt::format("the first loss is {:.4f}, random weights have about {:.4f}", result.losses.front(), random));
  if (steps > 1 && !(result.losses.back() < result.losses.front()))
    on.page.fail(fmt::format("the loss of the same tokens is {:.4f} at first and {:.4f} in step {}",
                             result.losses.front(), result.losses.back(), steps));
  return result;
}

}  // namespace gpu_program
