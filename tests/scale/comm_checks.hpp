/// What every engine must do (comm/comm.hpp): a list of checks that every rank runs, in this order. They need the
/// engine alone and throw std::runtime_error, so that they run in threads as well as in processes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "moe/comm/comm.hpp"
#include "moe/comm/errors.hpp"
#include "moe/core/index.hpp"

namespace moe::testing {

namespace comm_checks {

inline void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// Numbers that all ranks draw alike.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  Index below(Index limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<Index>((state_ >> 33) % static_cast<std::uint64_t>(limit));
  }

 private:
  std::uint64_t state_;
};

/// Byte i of what rank `from` sends to rank `to` in a round.
inline std::byte byte_of(Index round, int from, int to, Index i) {
  return static_cast<std::byte>((round * 31 + from * 7 + to * 3 + i) & 255);
}
inline void append(std::vector<std::byte>& all, Index round, int from, int to, Index bytes) {
  for (Index i = 0; i < bytes; ++i) all.push_back(byte_of(round, from, to, i));
}

/// counts[from][to]
using Counts = std::vector<std::vector<Index>>;
template <Comm C>
void exchange(C& comm, Index round, const Counts& counts) {
  const int rank = comm.rank();
  std::vector<Index> bytes_to, bytes_from;
  std::vector<std::byte> from, expected;
  for (int p = 0; p < comm.size(); ++p) {
    const auto me = static_cast<std::size_t>(rank), peer = static_cast<std::size_t>(p);
    bytes_to.push_back(counts[me][peer]);
    bytes_from.push_back(counts[peer][me]);
    append(from, round, rank, p, counts[me][peer]);
    append(expected, round, p, rank, counts[peer][me]);
  }
  std::vector<std::byte> to(expected.size(), std::byte{99});
  comm.all_to_all_v(from.empty() ? nullptr : from.data(), bytes_to, to.empty() ? nullptr : to.data(), bytes_from, {});
  expect(to == expected,
         "all_to_all_v: rank " + std::to_string(rank) + " got other bytes in round " + std::to_string(round));
}

template <Comm C>
void knows_its_place(C& comm) {
  expect(comm.size() >= 1 && comm.rank() >= 0 && comm.rank() < comm.size(),
         "rank " + std::to_string(comm.rank()) + " of " + std::to_string(comm.size()));
}
/// Zeros, one-sided and skewed matrices of counts among them.
template <Comm C>
void sends_random_blocks(C& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  Numbers numbers(17);
  for (Index round = 0; round < 100; ++round) {
    const Index kind = round % 5;
    Counts counts(ranks, std::vector<Index>(ranks));
    for (std::size_t p = 0; p < ranks; ++p)
      for (std::size_t q = 0; q < ranks; ++q) {
        const Index drawn = numbers.below(3) == 0 ? 0 : numbers.below(300);
        if (kind < 2 || (kind == 2 && p == 0) || (kind == 3 && q + 1 == ranks)) counts[p][q] = drawn;
      }
    exchange(comm, round, counts);
  }
}
template <Comm C>
void sends_large_blocks(C& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  Counts counts(ranks, std::vector<Index>(ranks, (Index{1} << 18) + 3));
  counts[0].assign(ranks, (Index{3} << 18) + 1);
  exchange(comm, 1, counts);
}
template <Comm C>
void gathers_blocks(C& comm) {
  Numbers numbers(5);
  for (Index round = 0; round < 50; ++round) {
    std::vector<Index> bytes;
    std::vector<std::byte> mine, expected;
    for (int p = 0; p < comm.size(); ++p) {
      bytes.push_back(round == 0 ? 0 : numbers.below(4) * numbers.below(200));
      append(expected, round, p, p, bytes.back());
    }
    append(mine, round, comm.rank(), comm.rank(), bytes[static_cast<std::size_t>(comm.rank())]);
    std::vector<std::byte> all(expected.size());
    comm.all_gather_v(mine.empty() ? nullptr : mine.data(), bytes, all.empty() ? nullptr : all.data(), {});
    expect(all == expected,
           "all_gather_v: rank " + std::to_string(comm.rank()) + " got other bytes in round " + std::to_string(round));
  }
}
template <Comm C>
void broadcasts_from_every_rank(C& comm) {
  for (int root = 0; root < comm.size(); ++root)
    for (const Index bytes : {Index{0}, Index{1}, Index{1000}, Index{1} << 18}) {
      std::vector<std::byte> expected, data(static_cast<std::size_t>(bytes), std::byte{77});
      append(expected, bytes, root, root, bytes);
      if (comm.rank() == root) data = expected;
      comm.broadcast(data.empty() ? nullptr : data.data(), bytes, root, {});
      expect(data == expected,
             "broadcast: rank " + std::to_string(comm.rank()) + " got other bytes from rank " + std::to_string(root));
    }
}
/// Ranks that come late are waited for.
template <Comm C>
void waits_for_late_ranks(C& comm) {
  comm.set_timeout(std::chrono::seconds(60));
  for (int late = 0; late < comm.size(); ++late) {
    if (comm.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    comm.barrier();
    exchange(comm, late,
             Counts(static_cast<std::size_t>(comm.size()),
                    std::vector<Index>(static_cast<std::size_t>(comm.size()), late + 1)));
  }
  comm.set_timeout(std::chrono::milliseconds(0));
}
/// Two groups, in the opposite order of ranks, each with calls of its own; then all ranks again.
template <Comm C>
void splits_into_groups(C& comm) {
  const int color = comm.rank() % 2, last = comm.size() - 1;
  C group = comm.split(color, last - comm.rank());
  const int members = color == 0 ? comm.size() - comm.size() / 2 : comm.size() / 2;
  expect(group.size() == members,
         "split: a group of " + std::to_string(group.size()) + " ranks, expected " + std::to_string(members));
  expect(group.rank() == members - 1 - comm.rank() / 2,
         "split: rank " + std::to_string(comm.rank()) + " is number " + std::to_string(group.rank()) + " of its group");
  for (int repeat = 0; repeat <= color; ++repeat) {
    const std::vector<Index> bytes(static_cast<std::size_t>(members), static_cast<Index>(sizeof(int)));
    std::vector<int> all(static_cast<std::size_t>(members));
    const int mine = comm.rank();
    group.all_gather_v(&mine, bytes, all.data(), {});
    for (int p = 0; p < members; ++p)
      expect(all[static_cast<std::size_t>(p)] == color + 2 * (members - 1 - p), "split: a rank of another group");
  }
  comm.barrier();
}

}  // namespace comm_checks

template <Comm C>
struct CommCheck {
  const char* name;
  void (*run)(C&);
};

/// The list. A group of ranks that passes it can carry layers.
template <Comm C>
std::vector<CommCheck<C>> list_of_comm_checks() {
  using namespace comm_checks;
  return {{"knows its place", knows_its_place<C>},
          {"sends random blocks", sends_random_blocks<C>},
          {"sends large blocks", sends_large_blocks<C>},
          {"gathers blocks", gathers_blocks<C>},
          {"broadcasts from every rank", broadcasts_from_every_rank<C>},
          {"waits for late ranks", waits_for_late_ranks<C>},
          {"splits into groups", splits_into_groups<C>}};
}

/// Rank 0 stays away until the others' wait has ended. The engine cannot be used afterwards. For 2 ranks or more.
template <Comm C>
void check_timeout(C& comm, std::chrono::milliseconds timeout = std::chrono::milliseconds(100)) {
  using namespace comm_checks;
  if (comm.rank() == 0) {
    std::this_thread::sleep_for(5 * timeout);
    return;
  }
  comm.set_timeout(timeout);
  try {
    comm.barrier();
  } catch (const CommError& error) {
    expect(std::string(error.what()).find("rank 0") != std::string::npos || comm.size() > 2,
           std::string("the message does not name the missing rank: ") + error.what());
    return;
  }
  expect(false, "a wait for a missing rank did not end");
}

}  // namespace moe::testing
