#include "moe/comm/ranks_over.hpp"

#include <chrono>
#include <numeric>
#include <thread>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/local_comm.hpp"
#include "support/catch.hpp"
#include "support/thread_comm.hpp"

namespace ranks_test {

using namespace moe;
using namespace moe::testing;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Whether numbers, more than travel with the announcement too, arrive at the rank they are for.
bool numbers_arrive(Ranks<Cpu<>>& ranks, Index per_rank) {
  const Index count = ranks.size(), rank = ranks.rank();
  std::vector<Index> to(static_cast<std::size_t>(count * per_rank)), from(to.size(), -1);
  const auto number = [&](Index sender, Index receiver, Index i) { return sender * 10000 + receiver * 1000 + i; };
  for (Index p = 0; p < count; ++p)
    for (Index i = 0; i < per_rank; ++i) to[static_cast<std::size_t>(p * per_rank + i)] = number(rank, p, i);
  ranks.announce({"numbers", 2}, to, per_rank, from.data());
  for (Index p = 0; p < count; ++p)
    for (Index i = 0; i < per_rank; ++i)
      if (from[static_cast<std::size_t>(p * per_rank + i)] != number(p, rank, i)) return false;
  return true;
}

}  // namespace

TEST_CASE("announced numbers arrive at the rank they are for", "[scale]") {
  for (const int count : {1, 2, 4})
    CHECK_NOTHROW(run_ranks(count, [](ThreadComm comm) {
      const auto ranks = ranks_over<Cpu<>>(std::move(comm));
      for (const Index per_rank : {0, 1, 24, 25, 100})
        if (!numbers_arrive(*ranks, per_rank)) throw std::runtime_error("another number");
    }));
}

TEST_CASE("ranks at different places end with an error that names both", "[scale]") {
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) {
    const auto ranks = ranks_over<Cpu<>>(std::move(comm));
    ranks->announce({"forward", 3});
    ranks->announce(ranks->rank() == 0 ? Site{"forward", 4} : Site{"backward", 3});
  });
  for (const auto& error : errors) {
    const std::string text = text_of(error);
    INFO(text);
    if (contains(text, "has ended")) continue;  // the other rank was first to see it
    CHECK(contains(text, "'layer 4, forward' (exchange 2 of the run"));
    CHECK(contains(text, "'layer 3, backward' (exchange 2 of the run"));
  }
  CHECK(contains(text_of(errors[0]) + text_of(errors[1]), "different places"));
}

TEST_CASE("ranks in the same pass of two layers are at different places", "[scale]") {
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) {
    const auto ranks = ranks_over<Cpu<>>(std::move(comm));
    ranks->announce({"forward", static_cast<std::uint32_t>(3 + ranks->rank())});
  });
  const std::string text = text_of(errors[0]) + text_of(errors[1]);
  INFO(text);
  CHECK(contains(text, "'layer 3, forward'"));
  CHECK(contains(text, "'layer 4, forward'"));
}

TEST_CASE("a rank that made one call less is found at the next one", "[scale]") {
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) {
    const auto ranks = ranks_over<Cpu<>>(std::move(comm));
    const auto quiet = ranks_over<Cpu<>>(LocalComm());
    (ranks->rank() == 0 ? *ranks : *quiet).announce({"step"});
    ranks->announce({"step"});
    ranks->announce({"end"});
  });
  const std::string text = text_of(errors[0]) + text_of(errors[1]);
  INFO(text);
  CHECK(contains(text, "'step' (exchange 2 of the run"));
  CHECK(contains(text, "'end' (exchange 2 of the run"));
}

TEST_CASE("ranks that announce another number of counts are found", "[scale]") {
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) {
    const auto ranks = ranks_over<Cpu<>>(std::move(comm));
    const Index per_rank = 2 + ranks->rank();
    std::vector<Index> to(6), from(6);
    ranks->announce({"forward", 0}, to, per_rank, from.data());
  });
  const std::string text = text_of(errors[0]) + text_of(errors[1]);
  INFO(text);
  CHECK(contains(text, "2 numbers for each rank"));
  CHECK(contains(text, "3 numbers for each rank"));
}

TEST_CASE("a rank that does not come is named with the place of those that wait", "[scale]") {
  const auto errors = ends_of_ranks(2, [](ThreadComm comm) {
    const auto ranks = ranks_over<Cpu<>>(std::move(comm));
    ranks->set_timeout(std::chrono::milliseconds(50));
    if (ranks->rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(400));
    ranks->announce({"backward", 7});
  });
  CHECK(text_of(errors[0]) == "[layer 7, backward] rank 0 of 2: rank 1 did not answer within 50 ms");
}

TEST_CASE("records that are gathered by one rank travel to it alone", "[scale]") {
  for (const int root : {0, 2}) {
    std::vector<std::vector<std::vector<std::byte>>> received(3);
    std::vector<Index> sent(3);
    run_ranks(3, [&](ThreadComm comm) {
      const auto ranks = ranks_over<Cpu<>>(std::move(comm));
      const auto rank = static_cast<std::size_t>(ranks->rank());
      const std::vector<std::byte> mine(rank * 100, static_cast<std::byte>(rank + 1));
      received[rank] = ranks->gather_to(root, {"records"}, mine);
      sent[rank] = ranks->traffic().at("records").bytes;
    });
    for (std::size_t rank = 0; rank < 3; ++rank) {
      REQUIRE(received[rank].size() == 3);
      for (std::size_t from = 0; from < 3; ++from)
        CHECK(received[rank][from] == (static_cast<int>(rank) == root
                                           ? std::vector<std::byte>(from * 100, static_cast<std::byte>(from + 1))
                                           : std::vector<std::byte>()));
      CHECK(sent[rank] == (static_cast<int>(rank) == root ? 0 : static_cast<Index>(rank * 100)));
    }
  }
  const auto ranks = ranks_over<Cpu<>>(LocalComm());
  CHECK_THROWS_WITH(ranks->gather_to(1, {"records"}, {}), "[Ranks::gather_to] root must be a rank, in [0, 1), got 1");
}

TEST_CASE("data and records of all ranks arrive, and what was sent is counted by place", "[scale]") {
  for (const int count : {1, 2, 3})
    CHECK_NOTHROW(run_ranks(count, [count](ThreadComm comm) {
      const CpuContext context{.threads = 1};
      const auto ranks = ranks_over<Cpu<>>(std::move(comm));
      const int rank = ranks->rank();
      const auto require_that = [](bool holds, const char* what) {
        if (!holds) throw std::runtime_error(what);
      };
      const auto records =
          ranks->gather({"record"}, std::as_bytes(std::span("abcd", static_cast<std::size_t>(rank + 1))));
      for (int p = 0; p < count; ++p)
        require_that(records[static_cast<std::size_t>(p)].size() == static_cast<std::size_t>(p + 1) &&
                         records[static_cast<std::size_t>(p)].back() == static_cast<std::byte>('a' + p),
                     "another record");
      const std::vector<Index> eight(static_cast<std::size_t>(count), 8);
      std::vector<Index> to(static_cast<std::size_t>(count)), from(to.size());
      std::iota(to.begin(), to.end(), 10 * rank);
      ranks->announce({"rows", 1});
      ranks->all_to_all_v(context, to.data(), eight, from.data(), eight);
      for (int p = 0; p < count; ++p) require_that(from[static_cast<std::size_t>(p)] == 10 * p + rank, "other rows");
      ranks->all_gather_v(context, to.data(), eight, from.data());
      for (int p = 0; p < count; ++p) require_that(from[static_cast<std::size_t>(p)] == 10 * p, "other blocks");
      Index told = rank == count - 1 ? 42 : 0;
      ranks->broadcast(context, &told, 8, count - 1);
      require_that(told == 42, "another broadcast");
      ranks->barrier({"end"});

      const Index others = count - 1;
      const auto traffic = ranks->traffic();
      require_that(traffic.at("record").bytes == (rank + 1) * others, "bytes of the record");
      require_that(traffic.at("layer 1, rows").bytes == (rank == count - 1 ? 24 : 16) * others, "bytes of the rows");
      require_that(traffic.at("layer 1, rows").calls == 3, "calls");
      require_that(traffic.at("layer 1, rows").announced_bytes == 256 * others, "bytes of the announcement");
      require_that(traffic.at("end").announcements == 1 && traffic.at("end").calls == 0, "a barrier moves nothing");
      ranks->reset_traffic();
      require_that(ranks->traffic().at("record").bytes == 0, "the counters are set to 0");
    }));
}

}  // namespace ranks_test
