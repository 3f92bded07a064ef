/// What one exchange of several processes sends, and how long that takes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "moe/comm/ranks.hpp"

namespace multipl_moe {

/// Where the processes are and how fast their links are, in bytes a second of each process and in each direction.
struct Links {
  int per_machine = 1;  ///< processes of a machine; those of the last one may be fewer
  double within = 0;    ///< to processes of the same machine
  double between = 0;   ///< to those of others
};

/// Bytes that a process sends or receives, by the place of the other process, announcements included.
struct LinkBytes {
  std::int64_t within = 0, between = 0;

  std::int64_t all() const { return within + between; }
};

/// All exchanges of one place of the program, in one step or in another part of a run.
struct PlannedExchange {
  enum class Way {
    to_owner,        ///< bytes[p] go to process p from each of the others
    to_all,          ///< bytes[p] go from process p to each of the others
    to_first,        ///< bytes[p] go from process p to process 0
    there_and_back,  ///< bytes[p] go to process p from each of the others, and as many from p to each of them
  };

  std::string site;  ///< as Ranks::traffic() names it, or a name for those of all layers
  Way way = Way::to_all;
  std::vector<std::int64_t> bytes{};  ///< by process
  std::int64_t calls = 0;             ///< that move these bytes
  std::int64_t announcements = 0;
  std::int64_t announced_bytes = 0;  ///< of the announcements of a process, to each of the others

  std::int64_t of(int process) const { return bytes[static_cast<std::size_t>(process)]; }
  std::int64_t total() const { return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}); }

  /// What the counters of `process` show of it, without seconds.
  moe::Traffic traffic_of(int process) const {
    const std::int64_t others = std::ssize(bytes) - 1;
    moe::Traffic traffic{.calls = calls, .announcements = announcements, .announced_bytes = announced_bytes * others};
    switch (way) {
      case Way::to_owner:
        traffic.bytes = total() - of(process);
        break;
      case Way::to_all:
        traffic.bytes = of(process) * others;
        break;
      case Way::to_first:
        traffic.bytes = process == 0 ? 0 : of(process);
        break;
      case Way::there_and_back:
        traffic.bytes = total() - of(process) + of(process) * others;
        break;
    }
    return traffic;
  }

  /// Calls visit(sent, received), both LinkBytes, for every process.
  template <class Visit>
  void for_each_process(int per_machine, const Visit& visit) const {
    const auto processes = static_cast<int>(bytes.size());
    const std::int64_t all = total();
    for (int first = 0; first < processes; first += per_machine) {
      const int here = std::min(per_machine, processes - first), elsewhere = processes - here;
      const auto begin = bytes.begin() + first;
      const std::int64_t of_machine = std::accumulate(begin, begin + here, std::int64_t{0});
      for (int p = first; p < first + here; ++p) {
        LinkBytes sent, received;
        if (way == Way::to_first) {
          if (p > 0) (first == 0 ? sent.within : sent.between) = of(p);
          if (p == 0) received = {of_machine - of(p), all - of_machine};
        } else {
          sent = {of(p) * (here - 1), of(p) * elsewhere};
          received = {of_machine - of(p), all - of_machine};
          if (way == Way::to_owner) std::swap(sent, received);
          if (way == Way::there_and_back)
            sent = received = {sent.within + received.within, sent.between + received.between};
        }
        for (LinkBytes* direction : {&sent, &received}) {
          direction->within += announced_bytes * (here - 1);
          direction->between += announced_bytes * elsewhere;
        }
        visit(sent, received);
      }
    }
  }
};

/// Ranks::announce() with as many numbers for each process; without numbers also Ranks::barrier().
PlannedExchange announced_exchange(std::string site, int processes, std::int64_t numbers = 0);
/// Ranks::gather() of a record of each process, whose bytes are given by process, or alike for all.
PlannedExchange gathered_exchange(std::string site, std::vector<std::int64_t> bytes);
PlannedExchange gathered_exchange(std::string site, int processes, std::int64_t bytes);

/// Of the process that sends most.
inline LinkBytes most_sent(const PlannedExchange& exchange, int per_machine) {
  LinkBytes most;
  exchange.for_each_process(per_machine, [&](const LinkBytes& sent, const LinkBytes&) {
    if (sent.all() > most.all()) most = sent;
  });
  return most;
}

/// The time in which the slowest process has sent and received everything: each process sends to each of the others
/// over its own links, in both directions at full rate, within its machine and to other machines at the same time.
inline double seconds_of(const PlannedExchange& exchange, const Links& links) {
  double slowest = 0;
  exchange.for_each_process(links.per_machine, [&](const LinkBytes& sent, const LinkBytes& received) {
    for (const LinkBytes& bytes : {sent, received})
      slowest = std::max({slowest, static_cast<double>(bytes.within) / links.within,
                          static_cast<double>(bytes.between) / links.between});
  });
  return slowest;
}
inline double seconds_of(const std::vector<PlannedExchange>& exchanges, const Links& links) {
  double seconds = 0;
  for (const PlannedExchange& exchange : exchanges) seconds += seconds_of(exchange, links);
  return seconds;
}

}  // namespace multipl_moe
