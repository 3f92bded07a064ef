#include "multipl_moe/cli/weights_option.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

void add_weights_option(CLI::App& command, std::string& weights, bool decodes) {
  std::string help = "where and in what precision the weights are read: float32: from memory";
  if (decodes)
    help +=
        "; bfloat16: from memory, decoding from copies in bfloat16 of half the size, which are read in half the time";
  help += "; stored: from the model's files, in their BF16 or F32, without memory for the weights; auto: stored if ";
  help += "float32 would take more than 60 % of the free memory and the files allow it, otherwise ";
  help += decodes ? "bfloat16 if all weights are exact in it, otherwise float32" : "float32";
  CLI::Validator values =
      decodes ? CLI::IsMember({"auto", "float32", "bfloat16", "stored"}) : CLI::IsMember({"auto", "float32", "stored"});
  command.add_option("--weights", weights, help)->capture_default_str()->check(values);
}

WeightsPlace place_of_weights(const std::string& command, const std::string& folder, const std::string& weights) {
  if (weights == "stored") {
    if (const std::string other = matrix_not_for_files(folder); !other.empty())
      throw UsageError(
          fmt::format("[{}] --weights stored needs a model whose matrices are stored in BF16 or F32, found {}; export "
                      "--dtype bfloat16 writes such a model",
                      command, other));
    return WeightsPlace::file;
  }
  if (weights != "auto") return WeightsPlace::memory;
  const auto free = free_memory_bytes();
  const auto needed = static_cast<double>(weights_in_memory(load_config(folder)).bytes);
  const bool is_large = free && needed > 0.6 * static_cast<double>(*free);
  return is_large && matrix_not_for_files(folder).empty() ? WeightsPlace::file : WeightsPlace::memory;
}

std::unique_ptr<LanguageModel> load_for_inference(const std::string& folder, int threads, WeightsPlace place,
                                                  bool quiet) {
  return place == WeightsPlace::memory ? load_model(folder, threads)
                                       : load_model_in_files(folder, threads, quiet ? "" : "reading weights");
}

}  // namespace multipl_moe
