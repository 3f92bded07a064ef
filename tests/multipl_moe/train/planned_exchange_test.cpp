#include "multipl_moe/train/planned_exchange.hpp"

#include <algorithm>

#include "support/catch.hpp"

namespace planned_exchange_test {

using namespace multipl_moe;
using Way = PlannedExchange::Way;

namespace {

/// Five processes, two on each of three machines but the last.
PlannedExchange with(Way way) { return {.site = "here", .way = way, .bytes = {1000, 2000, 3000, 4000, 5000}}; }
constexpr Links links{.per_machine = 2, .within = 10, .between = 1};

}  // namespace

TEST_CASE("an exchange takes as long as the slowest link of a process, in either direction") {
  // Process 4 sends 5000 bytes to four others on other machines; the least that any receives from them is less.
  CHECK(seconds_of(with(Way::to_all), links) == 4 * 5000.0);
  CHECK(seconds_of(with(Way::to_owner), links) == 4 * 5000.0);
  // To process 0: 2000 bytes from its own machine, 12,000 from others.
  CHECK(seconds_of(with(Way::to_first), links) == 12000.0);
  CHECK(seconds_of(with(Way::to_all), {.per_machine = 5, .within = 10, .between = 1}) == 4 * 500.0);
  // Process 4 sends 10,000 bytes to owners, and 5000 back to each of four others.
  CHECK(seconds_of(with(Way::there_and_back), links) == 30000.0);
  // A link within the machine can be the slowest.
  CHECK(seconds_of(with(Way::to_first), {.per_machine = 2, .within = 0.1, .between = 1}) == 20000.0);
  PlannedExchange announced{.site = "here", .bytes = {0, 0, 0, 0, 0}, .announcements = 2, .announced_bytes = 512};
  CHECK(seconds_of(announced, links) == 4 * 512.0);
  CHECK(seconds_of({announced, with(Way::to_all)}, links) == 4 * 512.0 + 4 * 5000.0);
}

TEST_CASE("the bytes of the process that sends most are split by the receiver's machine") {
  const LinkBytes all = most_sent(with(Way::to_all), 2), owner = most_sent(with(Way::to_owner), 2);
  CHECK((all.within == 0 && all.between == 20000));
  // Process 0 sends what the others own.
  CHECK((owner.within == 2000 && owner.between == 12000));
  const LinkBytes first = most_sent(with(Way::to_first), 5);
  CHECK((first.within == 5000 && first.between == 0));
  // Of 14,000 bytes that process 0 sends to owners and 4000 that it sends back, a neighbor gets 2000 and 1000.
  LinkBytes of_first;
  with(Way::there_and_back).for_each_process(2, [&](const LinkBytes& sent, const LinkBytes& received) {
    if (of_first.all() == 0) of_first = sent;
    CHECK((sent.within == received.within && sent.between == received.between));
  });
  CHECK((of_first.within == 3000 && of_first.between == 15000));
  for (const Way way : {Way::to_all, Way::to_owner, Way::to_first, Way::there_and_back}) {
    std::int64_t most = 0;
    for (int process = 0; process < 5; ++process) most = std::max(most, with(way).traffic_of(process).bytes);
    CHECK(most_sent(with(way), 2).all() == most);
  }
}

}  // namespace planned_exchange_test
