#include "multipl_moe/cli/evaluation_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/cli/environment.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

using benchmark::Completion;

namespace {

/// A text, or a list of texts. Paths may have bytes that are not UTF-8, which TOML cannot hold.
std::string toml_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The hash of a model's files: the weights, the configuration and the tokenizer.
std::uint64_t model_hash(const std::string& model) {
  const std::filesystem::path folder = model_folder(model);
  std::uint64_t hash = 0;
  for (const std::string& name : file_names_in(folder))
    if (name.ends_with(".safetensors") || name.ends_with(".json") || name.ends_with(".txt"))
      hash = hash_of_numbers({hash, hash_of(name), hash_of_file(folder / name)});
  return hash;
}

std::string flags_text(const EvaluateFlags& flags) {
  std::string lines = "[evaluate]\n";
  const auto add = [&](const char* name, const auto& value) { lines += fmt::format("{} = {}\n", name, value); };
  const bool generates = !flags.model.empty();
  add(generates ? "model" : "completions", toml_text(generates ? flags.model : flags.completions));
  add("benchmark", toml_text(flags.benchmarks));
  add("languages", toml_text(flags.languages));
  add("limit", flags.limit);
  add("prompt", toml_text(flags.prompt));
  if (generates) {
    add("samples", flags.samples);
    add("temperature", flags.options.temperature);
    add("top-p", flags.options.top_p);
    add("max-new-tokens", flags.options.max_new_tokens);
    add("seed", flags.options.seed);
    add("batch-size", flags.options.batch_size);
    add("dtype", toml_text(name_of(flags.model_dtype())));
    add("device", toml_text(flags.device));
    add("weights", toml_text(flags.weights));
    add("threads", flags.threads);
  }
  if (flags.generate_only) return lines + "generate-only = true\n";
  add("pass-at", fmt::format("[{}]", fmt::join(flags.pass_at, ", ")));
  add("protocol", toml_text(flags.protocol));
  add("timeout-scale", flags.timeout_scale);
  add("sandbox", toml_text(flags.sandbox));
  add("allow-unsandboxed", flags.allow_unsandboxed);
  add("cache", toml_text(flags.cache));
  add("jobs", flags.jobs);
  return lines;
}

/// [record] of evaluation.toml: what the results depend on beside the settings.
std::string record_text(const EvaluateFlags& flags, const Selection& selection, const ProgramMachine* machine) {
  std::string lines = "\n[record]\n";
  lines += fmt::format("compiler = {}\n", toml_text(compiler_name()));
  for (const auto& [name, hash] : selection.hashes)
    lines += fmt::format("{} = \"XXH3 {:016x}\"\n", toml_text("benchmark " + name), hash);
  lines += fmt::format("problems = {}\n", selection.problems.size());
  if (!flags.model.empty()) {
    lines += fmt::format("model_hash = \"XXH3 {:016x}\"\n", model_hash(flags.model));
    lines += fmt::format("hardware = [{}]\n", toml_text(hardware_of(flags.device)));
  }
  if (!flags.completions.empty()) {
    std::string completions;
    for (const Completion& completion : selection.completions)
      completions += line_of(completion, selection.problems[completion.problem]) + "\n";
    lines += fmt::format("completions_hash = \"XXH3 {:016x}\"\n", hash_of(completions));
  }
  ::utsname system{};
  if (::uname(&system) == 0)
    lines += fmt::format("kernel = {}\n",
                         toml_text(fmt::format("{} {} {}", system.sysname, system.release, system.machine)));
  if (machine == nullptr) return lines;
  const benchmark::Toolchain& toolchain = machine->toolchain();
  lines += fmt::format("sandbox_found = {}\n", toml_text(toolchain.sandbox().description()));
  lines += fmt::format("self_test = {}\n", toml_text(text_of(machine->self_test())));
  for (const Language language : toolchain.languages()) {
    lines += fmt::format("{}_version = {}\n", name_of(language), toml_text(toolchain.version(language)));
    lines += fmt::format("{}_limits = {}\n", name_of(language), toml_text(toolchain.limits_text(language)));
  }
  return lines;
}

}  // namespace

std::string evaluation_settings(const EvaluateFlags& flags, const Selection& selection, const ProgramMachine* machine) {
  return flags_text(flags) + record_text(flags, selection, machine);
}

}  // namespace multipl_moe
