/// A model that forwards all calls to another one; tests override functions to change or observe them.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe::testing {

class WrappedModel : public LanguageModel {
 public:
  explicit WrappedModel(std::unique_ptr<LanguageModel> inner)
      : LanguageModel(inner->config(), inner->threads()), inner_(std::move(inner)) {}

  bool is_causal() const override { return inner_->is_causal(); }
  ExpertPlacement placement() const override { return inner_->placement(); }
  std::vector<TensorRef> tensors() override { return inner_->tensors(); }
  std::vector<std::shared_ptr<const moe::io::FileMapping>> read_in_place(const StoredModel& stored,
                                                                         const ReadTensor& read) override {
    return inner_->read_in_place(stored, read);
  }
  void initialize(std::uint64_t seed, double deviation) override { inner_->initialize(seed, deviation); }
  void train_on(const RunRanks& ranks) override { inner_->train_on(ranks); }
  void use_slots(std::int64_t slots) override { inner_->use_slots(slots); }
  void end_slot() override { inner_->end_slot(); }
  void reduce_gradient() override { inner_->reduce_gradient(); }
  void begin_training(const moe::TrainByName& trains, AdamWPrecision precision, std::uint64_t seed,
                      StatePlace place) override {
    inner_->begin_training(trains, precision, seed, place);
  }
  std::vector<TensorRef> optimizer_state() override { return inner_->optimizer_state(); }
  void reserve_snapshots() override { inner_->reserve_snapshots(); }
  ModelTensors snapshot() override { return inner_->snapshot(); }
  std::vector<TensorRef> gradients() override { return inner_->gradients(); }
  MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    return inner_->accumulate(batch, share, weights, checkpointing);
  }
  double gradient_norm() const override { return inner_->gradient_norm(); }
  void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) override {
    inner_->step(optimizer, rate, step, scale);
  }
  void discard_step() override { inner_->discard_step(); }
  void calibrate(const Sequences& batch) override { inner_->calibrate(batch); }
  void draw_by(moe::StepKey key) override { inner_->draw_by(key); }
  moe::Observer observe(moe::Observer observer) override { return inner_->observe(std::move(observer)); }
  TokenScores score(const Sequences& batch) const override { return inner_->score(batch); }
  std::vector<float> logits_after(std::span<const Token> text,
                                  std::span<const std::optional<Language>> languages) const override {
    return inner_->logits_after(text, languages);
  }
  std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights) const override {
    return inner_->begin_decoding(weights);
  }

 private:
  std::unique_ptr<LanguageModel> inner_;
};

}  // namespace multipl_moe::testing
