#include "multipl_moe/cli/weights_option.hpp"

#include <fmt/format.h>

#include <string_view>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/mpi/launch.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

namespace {

/// The dtypes that matrices in the files must have for a model in `dtype`.
std::string_view dtypes_in_files(ModelDtype dtype) {
  return dtype == ModelDtype::float32 ? "BF16 or F32" : "BF16 (those of routers also in F32)";
}

/// The form that --weights and --dtype name; with "auto", the one in memory.
WeightsForm form_named(const InferenceFlags& flags, const std::string& command) {
  const ModelDtype dtype = flags.model_dtype();
  if (flags.weights == "stored") {
    if (const std::string other = matrix_not_for_files(flags.model, dtype); !other.empty())
      throw UsageError(fmt::format(
          "[{}] --weights stored needs a model whose matrices are stored in {}, found {}; export --dtype bfloat16 "
          "writes such a model",
          command, dtypes_in_files(dtype), other));
    return {dtype, WeightsPlace::file};
  }
  if (dtype == ModelDtype::bfloat16 && flags.weights != "auto")
    throw UsageError(fmt::format(
        "[{}] --weights {} is for a model that computes in float32, found --dtype bfloat16, whose weights are bfloat16 "
        "in memory (--weights auto) or in the files (--weights stored)",
        command, flags.weights));
  return {dtype, WeightsPlace::memory};
}

/// Whether memory can hold the plan of each of the processes here, and the weights leave 40 % of it free.
bool has_room(const std::vector<MemoryPart>& plan) {
  const auto free = free_memory_bytes();
  const std::int64_t here = launched_here();
  return !free || (here * total_bytes(plan) <= *free &&
                   static_cast<double>(here * plan.front().bytes) <= 0.6 * static_cast<double>(*free));
}

}  // namespace

void add_weights_options(CLI::App& command, InferenceFlags& flags, bool decodes) {
  add_device_option(command, flags.device);
  add_dtype_option(command, flags.dtype,
                   "type of the weights and activations that the model computes with: float32; bfloat16: half the "
                   "memory, for models whose weights are values of bfloat16");
  std::string help = "where the weights are read: float32: in memory";
  if (decodes)
    help +=
        "; bfloat16: in memory, in decoding from copies in bfloat16 of half the size, which are read in half the time; "
        "int8: the same with copies in 8 bits of a quarter of the size, which change the texts";
  help +=
      "; stored: in the model's files, without memory for the weights; auto: stored if the weights would take more "
      "than 60 % of the free memory and are stored in BF16 or F32, otherwise ";
  help +=
      decodes
          ? "bfloat16 if all weights are exact in it, otherwise float32. Texts of bfloat16 and of float32 or stored "
            "can differ by rounding"
          : "float32";
  const std::vector<std::string> values =
      decodes ? std::vector<std::string>{"auto", "float32", "bfloat16", "int8", "stored"}
              : std::vector<std::string>{"auto", "float32", "stored"};
  command.add_option("--weights", flags.weights, help)->capture_default_str()->check(CLI::IsMember(values));
}

void require_usable(const InferenceFlags& flags, const std::string& command) {
  static_cast<void>(flags.model_dtype());
  if (device_named(flags.device).kind == Device::Kind::cpu) return;
  if (flags.weights != "auto")
    throw UsageError(fmt::format(
        "[{}] --weights {} is for a model on the CPU, found --device {}: there the weights are in the GPU's memory, in "
        "bfloat16 (--weights auto)",
        command, flags.weights, flags.device));
  require_device(flags.device);
}

namespace {

/// Loads this process's part of the experts, and all other weights.
std::unique_ptr<LanguageModel> load_part(const InferenceFlags& flags, const InferenceRun& run,
                                         const ExpertSpread& spread) {
  if (flags.weights == "stored")
    throw UsageError(fmt::format(
        "[{}] --weights stored reads all weights in the files, found --placement {}, which reads a part of them into "
        "memory",
        run.command, name_of(spread.placement)));
  const std::string advice = run.smaller + " or more processes need less";
  const auto gpu = require_device(flags.device);
  WeightsForm form = form_named(flags, run.command);
  form.place = gpu ? WeightsPlace::device : WeightsPlace::memory;
  form.experts = spread.part();
  if (gpu)
    require_gpu_memory(run.command, *gpu, run.plan(form), advice);
  else
    require_free_memory(run.command, run.plan(form), advice, launched_here());
  return load_model(flags.model, flags.threads, load_config(flags.model), form.dtype, device_named(flags.device),
                    spread);
}

}  // namespace

std::unique_ptr<LanguageModel> load_for_inference(const InferenceFlags& flags, const InferenceRun& run,
                                                  const ExpertSpread& spread) {
  if (!spread.part().is_of_all()) return load_part(flags, run, spread);
  if (const auto gpu = require_device(flags.device)) {
    require_gpu_memory(run.command, *gpu, run.plan({flags.model_dtype(), WeightsPlace::device}),
                       run.smaller + " needs less");
    return load_model(flags.model, flags.threads, flags.model_dtype(), device_named(flags.device));
  }
  WeightsForm form = form_named(flags, run.command);
  std::vector<MemoryPart> plan = run.plan(form);
  const bool is_automatic = flags.weights == "auto";
  const bool lacks_room = form.place == WeightsPlace::memory && !has_room(plan);
  const std::string not_for_files = lacks_room ? matrix_not_for_files(flags.model, form.dtype) : std::string();
  const bool has_copies = flags.weights == "bfloat16" || flags.weights == "int8";
  const std::string copies = has_copies ? " or --weights float32" : "";
  std::string advice = run.smaller + copies + " needs less";
  if (lacks_room && not_for_files.empty()) {
    if (is_automatic) {
      if (!flags.quiet)
        notice("note: the weights are read in the files, since they take {} of {} of free memory otherwise\n",
               memory_text(launched_here() * plan.front().bytes), memory_text(free_memory_bytes().value_or(0)));
      form.place = WeightsPlace::file;
      plan = run.plan(form);
    } else {
      plan.front().is_fixed = false;
      advice = run.smaller + copies + " or --weights stored needs less";
    }
  } else if (lacks_room) {
    plan.front().is_fixed = false;
    advice = fmt::format(
        "{} needs less, and so do weights that stay in the files, for which matrices must be {}, found "
        "{}; export --dtype bfloat16 writes such a model",
        run.smaller, dtypes_in_files(form.dtype), not_for_files);
  }
  require_free_memory(run.command, plan, advice, launched_here());
  if (form.place == WeightsPlace::memory) return load_model(flags.model, flags.threads, form.dtype);
  return load_model_in_files(flags.model, flags.threads, form.dtype,
                             {.beside = total_bytes(plan), .decodes = run.decodes, .quiet = flags.quiet});
}

}  // namespace multipl_moe
