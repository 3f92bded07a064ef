/// What place() refuses, what ranks count, and how they end if one of them fails.
#include "moe/experts/place.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>

#include "moe/comm/local_comm.hpp"
#include "moe/core/observation.hpp"
#include "scale/spread_check.hpp"
#include "support/catch.hpp"

namespace place_test {

using namespace moe;
using namespace moe::testing;

namespace {

const Sizes sizes{.width = 5, .hidden = 6, .experts = 4, .k = 2, .shared = 1, .window = 3};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

AnyCpuLayer<double> token_layer() {
  auto layer = any_compositions<double>().token.front().build(sizes);
  Draw draw("place");
  randomize(draw, layer);
  return layer;
}
AnyCpuLayer<double> hybrid_layer() {
  auto layer = any_compositions<double>().hybrid[2].build(sizes);
  Draw draw("place");
  randomize(draw, layer);
  return layer;
}
RankBatch batch_of(int rank, std::vector<Index> lengths) {
  Draw draw("place batch", static_cast<std::uint32_t>(rank));
  return RankBatch(draw, std::move(lengths), sizes.width);
}

/// The message of what work(context of a rank) throws on rank `of` of `ranks`.
template <class Work>
std::string error_of(int ranks, int of, const Work& work) {
  return text_of(ends_of_ranks(ranks, [&](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<Cpu<>>(std::move(comm));
    work(context);
  })[static_cast<std::size_t>(of)]);
}

/// An engine that fails at one of its calls on one rank.
class FailingComm {
 public:
  using Stream = ThreadComm::Stream;
  static constexpr bool on_device = false;

  FailingComm(ThreadComm comm, int rank, int at, std::atomic<int>& calls)
      : comm_(std::move(comm)), rank_(rank), at_(at), calls_(&calls) {}
  int rank() const { return comm_.rank(); }
  int size() const { return comm_.size(); }
  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> bytes_from, Stream stream) {
    fail_here();
    comm_.all_to_all_v(from, bytes_to, to, bytes_from, stream);
  }
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream stream) {
    fail_here();
    comm_.all_gather_v(from, bytes, to, stream);
  }
  void broadcast(void* data, Index bytes, int root, Stream stream) { comm_.broadcast(data, bytes, root, stream); }
  void barrier() { comm_.barrier(); }
  void set_timeout(std::chrono::milliseconds time) { comm_.set_timeout(time); }
  void abort(int exit_code) { comm_.abort(exit_code); }
  FailingComm split(int color, int key) { return {comm_.split(color, key), rank_, at_, *calls_}; }

 private:
  void fail_here() {
    if (rank() == rank_ && ++*calls_ == at_) throw std::runtime_error("planted failure");
  }
  ThreadComm comm_;
  int rank_, at_;
  std::atomic<int>* calls_;
};

}  // namespace

TEST_CASE("blocks and turns of experts are as even as possible and leave out the replicated ones", "[scale]") {
  CHECK(Placement::blocks(11, 8).owner == std::vector<int>{0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7});
  CHECK(Placement::blocks(8, 4).owner == std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(Placement::blocks(2, 4).owner == std::vector<int>{0, 1});
  CHECK(Placement::blocks(5, 2, {0, 3}).owner == std::vector<int>{-1, 0, 0, -1, 1});
  CHECK(Placement::blocks(2, 3, {0, 1}).owner == std::vector<int>{-1, -1});
  CHECK(Placement::round_robin(5, 2).owner == std::vector<int>{0, 1, 0, 1, 0});
  CHECK(Placement::round_robin(2, 4).owner == std::vector<int>{0, 1});
  CHECK(Placement::round_robin(6, 2, {0, 3}).owner == std::vector<int>{-1, 0, 1, -1, 0, 1});
  CHECK_THROWS_WITH(Placement::round_robin(4, 0), "[Placement::round_robin] experts need at least 1 rank, got 0");
  CHECK_THROWS_WITH(Placement::blocks(4, 0), "[Placement::blocks] experts need at least 1 rank, got 0");
  CHECK_THROWS_WITH(Placement::blocks(0, 2), "[Placement::blocks] a layer has at least 1 expert, got 0");
  CHECK_THROWS_WITH(Placement::blocks(4, 2, {4}),
                    "[Placement::blocks] there are 4 experts, numbered from 0, got number 4 among those that every "
                    "rank has");
}

TEST_CASE("a placement must be one of the layer's experts over the ranks", "[scale]") {
  CHECK(token_layer().experts() == 4);
  CHECK(hybrid_layer().experts() == 8);
  CHECK(error_of(2, 0, [](const CpuContext& context) {
          auto layer = hybrid_layer();
          place(layer, *context.ranks, Placement::blocks(4, 2));
        }) == "[place] the layer has 8 experts, the placement is of 4");
  CHECK(error_of(2, 0, [](const CpuContext& context) {
          auto layer = token_layer();
          place(layer, *context.ranks, Placement{{0, 1, 2, 0}});
        }) == "[place] an expert's rank must lie in [0, 2) or be Placement::everywhere, got 2 for expert 2");
  CHECK(error_of(2, 1, [](const CpuContext& context) {
          auto layer = token_layer();
          place(layer, *context.ranks, Placement{{0, 1, context.ranks->rank(), 0}});
        }) == "[place] every rank must be given the same placement, rank 0 and rank 1 have different ones");
  CHECK(contains(error_of(2, 0,
                          [](const CpuContext& context) {
                            auto layer = token_layer();
                            place(layer, *context.ranks, Placement::blocks(4, 2));
                            place(layer, *context.ranks, Placement::blocks(4, 2));
                          }),
                 "[place] the experts were placed before"));
  CHECK(error_of(2, 0, [](const CpuContext& context) {
          AnyCpuLayer<double> dense(SwiGlu<double, Cpu<>>(4, 4));
          place(dense, *context.ranks, Placement::blocks(4, 2));
        }) == "[place] the layer has no experts that could live on other ranks");
}

TEST_CASE("one rank alone keeps all weights and exchanges nothing", "[scale]") {
  CpuContext context{.threads = 1};
  context.ranks = ranks_over<Cpu<>>(LocalComm());
  auto layer = hybrid_layer();
  const Index parameters = count_parameters(layer, [](const std::string&) { return true; });
  place(layer, *context.ranks, Placement::blocks(8, 1));
  CHECK(count_parameters(layer, [](const std::string&) { return true; }) == parameters);
  context.ranks->reset_traffic();
  auto gradient = gradient_for(layer);
  run_rank(context, layer, batch_of(0, {7, 7}), gradient, 3);
  for (const auto& [site, traffic] : context.ranks->traffic()) {
    INFO(site);
    CHECK(traffic.announcements + traffic.calls == 0);
  }
}

TEST_CASE("experts that live everywhere exchange nothing", "[scale]") {
  CHECK_NOTHROW(run_ranks(2, [](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<Cpu<>>(std::move(comm));
    auto layer = token_layer();
    place(layer, *context.ranks, Placement::blocks(4, 2, {0, 1, 2, 3}));
    auto gradient = gradient_for(layer);
    // Only one rank runs: none waits for the other.
    if (context.ranks->rank() == 0) run_rank(context, layer, batch_of(0, {7, 7}), gradient, 3);
  }));
}

TEST_CASE("a layer whose experts are spread runs with their ranks alone", "[scale]") {
  const auto forward_with = [](const auto& change) {
    return error_of(2, 0, [&](CpuContext& context) {
      auto layer = token_layer();
      place(layer, *context.ranks, Placement::blocks(4, 2));
      change(context);
      const RankBatch own = batch_of(0, {3});
      layer.forward(context, own.x_TD, own.batch());
    });
  };
  CHECK(forward_with([](CpuContext& context) { context.ranks = nullptr; }) ==
        "[forward] the experts of this layer were placed on 2 ranks, and the context has none: set context.ranks to "
        "those that place() was given");
  CHECK(forward_with([](CpuContext& context) { context.ranks = ranks_over<Cpu<>>(LocalComm()); }) ==
        "[forward] the experts of this layer were placed on 2 ranks with this as rank 0, the context has 1 with this "
        "as rank 0");
}

TEST_CASE("the backward pass of spread experts needs their ranks too", "[scale]") {
  CHECK(error_of(2, 0,
                 [](CpuContext& context) {
                   auto layer = token_layer();
                   place(layer, *context.ranks, Placement::blocks(4, 2));
                   const RankBatch own = batch_of(0, {3});
                   auto run = layer.forward(context, own.x_TD, own.batch());
                   auto gradient = gradient_for(layer);
                   if (context.ranks->rank() == 0) context.ranks = nullptr;
                   layer.backward(context, own.d_y_TD, {}, std::move(run.saved), gradient);
                 }) ==
        "[backward] the experts of this layer were placed on 2 ranks, and the context has none: set "
        "context.ranks to those that place() was given");
}

TEST_CASE("what a forward pass saved before its experts were placed is refused", "[scale]") {
  CHECK(contains(error_of(2, 0,
                          [](const CpuContext& context) {
                            auto layer = token_layer();
                            const RankBatch own = batch_of(0, {3});
                            auto run = layer.forward(context, own.x_TD, own.batch());
                            place(layer, *context.ranks, Placement::blocks(4, 2));
                            auto gradient = gradient_for(layer);
                            layer.backward(context, own.d_y_TD, {}, std::move(run.saved), gradient);
                          }),
                 "`saved` must be what forward of this layer returned"));
}

TEST_CASE("ranks in different layers or passes are told where each of them is", "[scale]") {
  const std::string layers = error_of(2, 0, [](CpuContext& context) {
    auto layer = token_layer();
    place(layer, *context.ranks, Placement::blocks(4, 2));
    context.layer = 3;
    if (context.ranks->rank() == 1) context.layer = 4;
    const RankBatch own = batch_of(0, {3});
    layer.forward(context, own.x_TD, own.batch());
  });
  INFO(layers);
  CHECK((contains(layers, "'layer 3, forward'") || contains(layers, "has ended")));
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<Cpu<>>(std::move(comm));
    auto layer = token_layer();
    place(layer, *context.ranks, Placement::blocks(4, 2));
    const RankBatch own = batch_of(0, {3});
    if (context.ranks->rank() == 0)
      layer.infer(context, own.x_TD, own.batch());
    else
      layer.forward(context, own.x_TD, own.batch());
  });
  const std::string both = text_of(errors[0]) + text_of(errors[1]);
  INFO(both);
  CHECK(contains(both, "'layer 0, inference'"));
  CHECK(contains(both, "'layer 0, forward'"));
}

TEST_CASE("what ranks send is the pairs of other ranks' experts, to the byte", "[scale]") {
  for (const int ranks : {2, 3}) {
    const Placement placement = Placement::blocks(4, ranks);
    std::atomic<Index> crossing{0}, forward{0}, backward{0}, announced{0};
    CHECK_NOTHROW(run_ranks(ranks, [&](ThreadComm comm) {
      CpuContext context{.threads = 1};
      context.ranks = ranks_over<Cpu<>>(std::move(comm));
      const int rank = context.ranks->rank();
      auto layer = token_layer();
      place(layer, *context.ranks, placement);
      const RankBatch own = batch_of(rank, {static_cast<Index>(20 + rank)});
      context.observer = [&](const Observation& seen) {
        for (std::size_t i = 0; i < seen.kept.size(); ++i)
          crossing += seen.kept[i] != 0 && placement.owner[i % 4] != rank;
      };
      auto run = layer.forward(context, own.x_TD, own.batch());
      auto gradient = gradient_for(layer);
      layer.backward(context, own.d_y_TD, {}, std::move(run.saved), gradient);
      const auto traffic = context.ranks->traffic();
      forward += traffic.at("layer 0, forward").bytes;
      backward += traffic.at("layer 0, backward").bytes;
      announced += traffic.at("layer 0, forward").announced_bytes;
    }));
    const Index row = sizes.width * 8, weight = 8;
    CHECK(crossing > 0);
    CHECK(forward == 2 * crossing * row);
    CHECK(backward == 2 * crossing * (row + weight));
    CHECK(announced == ranks * (ranks - 1) * 256);
  }
}

TEST_CASE("a failure in any exchange of any rank ends all of them", "[scale]") {
  const int ranks = 3;
  const auto run = [&](int rank, int at, std::atomic<int>& calls) {
    return ends_of_ranks(ranks, [&](ThreadComm comm) {
      CpuContext context{.threads = 1};
      context.ranks = ranks_over<Cpu<>>(FailingComm(std::move(comm), rank, at, calls));
      auto layer = hybrid_layer();
      place(layer, *context.ranks, Placement::blocks(8, ranks));
      auto gradient = gradient_for(layer);
      run_rank(context, layer, batch_of(context.ranks->rank(), {7, 7}), gradient, 3);
    });
  };
  std::atomic<int> calls{0};
  for (const auto& error : run(0, -1, calls)) CHECK(text_of(error).empty());
  // An announcement of the placement; for forward, inference, prefill and 3 decoded rows an announcement and 2
  // exchanges, for backward 4 exchanges.
  CHECK(calls == 1 + 6 * 3 + 5);
  const int all = calls;
  for (int rank = 0; rank < ranks; ++rank)
    for (int at = 1; at <= all; ++at) {
      std::atomic<int> made{0};
      const auto errors = run(rank, at, made);
      INFO("rank " << rank << " fails at its call " << at);
      for (int p = 0; p < ranks; ++p) {
        const std::string text = text_of(errors[static_cast<std::size_t>(p)]);
        CHECK(contains(text, p == rank ? "planted failure" : "rank " + std::to_string(rank) + " has ended"));
      }
    }
}

}  // namespace place_test
