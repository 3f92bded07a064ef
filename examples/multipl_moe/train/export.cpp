#include "multipl_moe/train/export.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/io/transformers_config.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/train/streamed_model.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

/// Maps the exported tensors to the model's weights; exported tensors without a weight are zeros.
class Exported {
 public:
  Exported(const ModelConfig& config, std::string_view dtype) {
    const TransformersFamily& family = export_family(config);
    for (PlannedTensor& tensor : planned(list_tensors(config), dtype)) {
      std::string ours = tensor.name;
      if (family.tensor_name != nullptr) tensor.name = family.tensor_name(ours);
      ours_[tensor.name] = std::move(ours);
      tensors_.push_back(std::move(tensor));
    }
    if (family.other_tensors != nullptr)
      for (PlannedTensor& tensor : family.other_tensors(config, dtype)) tensors_.push_back(std::move(tensor));
  }

  const std::vector<PlannedTensor>& tensors() const { return tensors_; }

  void write(const StoredModel& from, const PlannedTensor& tensor, TensorSink& sink) const {
    sink.begin(tensor);
    if (const auto ours = ours_.find(tensor.name); ours != ours_.end())
      copy_weight(from, ours->second, tensor.shape, sink);
    else
      sink.write_equal(0, element_count(tensor.shape).value());
  }

 private:
  std::vector<PlannedTensor> tensors_;
  std::map<std::string, std::string> ours_;
};

}  // namespace

void export_model(const fs::path& source, const fs::path& output, const SaveOptions& options) {
  const fs::path folder = model_folder(source);
  const StoredModel stored = StoredModel::open(folder);
  const Exported exported(stored.config(), dtype_of_torch(options.torch_dtype));
  stored.require_exactly(planned(list_tensors(stored.config())));
  const auto tokenizer = read_tokenizer(folder);
  GenerationConfig generation = read_generation_config(folder, stored.config().vocab_size);
  // Other programs look for the end-of-text token in generation_config.json only.
  if (generation.eos_token_id.empty() && tokenizer != byte_tokenizer())
    generation.eos_token_id.push_back(std::int64_t{tokenizer->end_of_text()});
  const std::string config = to_transformers_json_text(stored.config(), options.torch_dtype, generation);
  save_folder_atomically(output, [&](const fs::path& partial) {
    ShardedWriter writer(partial, "model", exported.tensors(), options.max_shard_bytes);
    require_free_disk(output, writer.total_bytes() + config.size());
    TensorSink sink(writer, nullptr);
    for (const PlannedTensor& tensor : writer.order()) exported.write(stored, tensor, sink);
    writer.finish();
    tokenizer->write_files(partial);
    write_file_atomically(partial / "config.json", config);
    write_generation_config(partial, generation);
  });
}

}  // namespace multipl_moe
