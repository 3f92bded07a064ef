/// Random valid and invalid arguments for the training functions: a result if they are valid, an Error if they are not.
#include <cmath>

#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/schedule.hpp"
#include "moe/train/split_into_experts.hpp"
#include "moe/train/upcycle.hpp"
#include "support/catch.hpp"
#include "support/wrong_arguments.hpp"

namespace train_any_arguments_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Ffn = SwiGlu<float, B>;
using Layer = Qwen15Moe<float, B>;
const CpuContext context{.threads = 1};

struct Shape {
  Index experts = 1, width = 1, hidden = 1;
  friend bool operator==(const Shape&, const Shape&) = default;
};
Shape any_shape(Draw& draw) { return {draw.between(1, 3), draw.between(1, 4), draw.between(1, 4)}; }
Layer make(const Shape& s) {
  return {TopK{.k = 1}, {}, {}, ExpertBank<Ffn>(s.experts, s.width, s.hidden), {s.width, s.hidden}};
}
bool is_amount(double value) { return value >= 0 && std::isfinite(value); }

/// A gradient of this shape or another one, and which of its weights train.
struct Tree {
  Layer values;
  Shape shape;
  std::vector<bool> trains;
};
Tree any_tree(Draw& draw, const Shape& own) {
  Tree tree{{}, draw.one_in(5) ? any_shape(draw) : own, {}};
  const bool freezes = draw.one_in(4);
  tree.values = gradient_for(make(tree.shape), [&](const std::string&) {
    tree.trains.push_back(!freezes || draw.one_in(2));
    return tree.trains.back();
  });
  return tree;
}
/// Whether every weight that trains has moments in an optimizer state that was made for the gradient `began`.
Verdict cover(const Tree& gradient, const Tree& began, const Shape& own) {
  if (gradient.shape.experts != own.experts || began.shape.experts != own.experts) return Verdict::wrong;
  if (gradient.shape != own || began.shape != own) return Verdict::either;
  for (std::size_t i = 0; i < gradient.trains.size(); ++i)
    if (gradient.trains[i] && !began.trains[i]) return Verdict::wrong;
  return Verdict::right;
}

}  // namespace

TEST_CASE("AdamW accepts valid trees and settings and refuses invalid ones", "[train][misuse]") {
  for_each_case("any optimizer", 800, [](Draw& draw) {
    const Shape own = any_shape(draw);
    Layer layer = make(own);
    AdamW adamw;
    double rate = 1e-3, scale = 1;
    if (draw.one_in(3))
      one_of<double*>(draw, {&adamw.beta_1, &adamw.beta_2, &adamw.epsilon, &adamw.decay, &rate, &scale})[0] =
          any_number(draw);
    const Index step = draw.one_in(6) ? draw.between(-2, 1) : draw.between(1, 100);
    const auto decays = [](double beta) { return beta >= 0 && beta < 1; };
    const Verdict settings = right_if(decays(adamw.beta_1) && decays(adamw.beta_2) && is_amount(adamw.epsilon) &&
                                      is_amount(adamw.decay) && is_amount(rate) && std::isfinite(scale) && step >= 1);
    const Tree gradient = any_tree(draw, own);
    const Tree began = any_tree(draw, own);
    Layer others = make(began.shape);
    using Memory = AdamWState<B, BFloat16, MasterWeights::split>;
    AdamWState<B> memory;
    Memory narrow;
    attempt(Verdict::right, "AdamWState", [&] {
      memory = AdamWState(context, others, began.values);
      narrow = Memory(context, others, began.values);
    });
    attempt(gradient.shape == own                   ? Verdict::right
            : gradient.shape.experts != own.experts ? Verdict::wrong
                                                    : Verdict::either,
            "AdamWState of another gradient", [&] { Memory(context, layer, gradient.values); });
    attempt(settings & cover(gradient, began, own), "AdamW::step",
            [&] { adamw.step(context, rate, step, scale, layer, gradient.values, memory); });
    attempt(settings & cover(gradient, began, own), "AdamW::step in less memory",
            [&] { adamw.step(context, rate, step, scale, layer, gradient.values, narrow); });
  });
}

TEST_CASE("functions over weights accept valid arguments and refuse invalid ones", "[train][misuse]") {
  for_each_case("any weights", 500, [](Draw& draw) {
    const Shape own = any_shape(draw), shape = draw.one_in(3) ? any_shape(draw) : own;
    Layer layer = make(own);
    const Layer other = make(shape);
    attempt(right_if(own == shape), "copy_weights", [&] { copy_weights(other, layer); });
    attempt(right_if(own == shape), "round_weights", [&] { round_weights(context, other, layer); });

    const double deviation = any_number(draw), norm = any_number(draw), limit = any_number(draw);
    attempt(right_if(is_amount(deviation)), "initialize", [&] { initialize(context, layer, 1, deviation); });
    attempt(right_if(limit > 0 && !(norm < 0)), "clip_factor", [&] { clip_factor(norm, limit); });
    const CosineSchedule schedule{.peak = one_of<double>(draw, {1e-3, any_number(draw)}),
                                  .floor = one_of<double>(draw, {0, any_number(draw)}),
                                  .warm_up = draw.between(-1, 5),
                                  .total = draw.between(-1, 20)};
    const Index step = draw.between(-1, 30);
    attempt(right_if(is_amount(schedule.peak) && is_amount(schedule.floor) && schedule.warm_up >= 0 &&
                     schedule.total >= 0 && step >= 1),
            "CosineSchedule", [&] {
              const double at = schedule.at(step);
              CHECK(is_amount(at));
            });

    const Ffn dense(shape.width, shape.hidden);
    const Upcycling start{.router_deviation = one_of<double>(draw, {0.02, any_number(draw)}),
                          .noise_deviation = one_of<double>(draw, {0, any_number(draw)}),
                          .reinitialized = one_of<double>(draw, {0, any_number(draw)})};
    const Verdict start_is = right_if(is_amount(start.router_deviation) && is_amount(start.noise_deviation) &&
                                      start.reinitialized >= 0 && start.reinitialized <= 1);
    attempt(start_is & right_if(shape.width == own.width && shape.hidden == own.hidden), "upcycle",
            [&] { upcycle(context, dense, layer, start); });
    const Index shards = draw.between(-1, 4);
    const bool holds = shards >= 1 && shape.width == own.width && own.hidden >= shape.hidden;
    attempt(start_is & right_if(holds), "split_into_experts",
            [&] { split_into_experts(context, dense, layer, shards, start); });

    const TrainByName named{.freeze = {one_of<std::string>(draw, {"*", "gate.*", "gte.*", "experts.2.*", ""})}};
    const bool fits =
        named.freeze[0] == "*" || named.freeze[0] == "gate.*" || (named.freeze[0] == "experts.2.*" && own.experts > 2);
    attempt(right_if(fits), "gradient_for", [&] { gradient_for(layer, named); });
    attempt(Verdict::right, "global_norm", [&] { global_norm(context, gradient_for(layer)); });
    attempt(Verdict::right, "pack_weights", [&] { pack_weights(context, layer); });

    const AdapterSize size{.rank = draw.between(-1, 4), .scale = one_of<double>(draw, {1, any_number(draw)})};
    const bool is_size = size.rank >= 1 && std::isfinite(size.scale);
    attempt(right_if(is_size), "LoraFfn", [&] {
      LoraFfn<TopK, float, B> adapted({.k = 1}, Ffn(shape.width, shape.hidden), {size});
      attempt(Verdict::right, "draw_adapters", [&] { draw_adapters(context, adapted, 1); });
      attempt(right_if(is_size), "merged", [&] { adapted.merged(context); });
      auto frozen = adapted.empty_tree();
      attempt(Verdict::wrong, "draw_adapters in a gradient", [&] { draw_adapters(context, frozen, 1); });
    });
    const Index count = draw.between(-2, 3), length = draw.between(-2, 3);
    attempt(right_if(count >= 0 && (length >= 0 || count == 0)), "Batch::sequences", [&] {
      const Batch batch = Batch::sequences(count, length);
      CHECK(batch.rows() == count * length);
    });
  });
}

}  // namespace train_any_arguments_test
