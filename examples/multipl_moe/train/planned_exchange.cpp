#include "multipl_moe/train/planned_exchange.hpp"

#include "moe/comm/ranks_over.hpp"

namespace multipl_moe {

PlannedExchange announced_exchange(std::string site, int processes, std::int64_t numbers) {
  PlannedExchange exchange{.site = std::move(site),
                           .bytes = std::vector<std::int64_t>(static_cast<std::size_t>(processes)),
                           .announcements = 1,
                           .announced_bytes = sizeof(moe::detail::Announcement)};
  if (numbers > static_cast<std::int64_t>(moe::detail::Announcement::inline_numbers))
    exchange.announced_bytes += numbers * static_cast<std::int64_t>(sizeof(moe::Index));
  return exchange;
}

PlannedExchange gathered_exchange(std::string site, std::vector<std::int64_t> bytes) {
  PlannedExchange exchange = announced_exchange(std::move(site), static_cast<int>(bytes.size()), 1);
  exchange.bytes = std::move(bytes);
  exchange.calls = 1;
  return exchange;
}

PlannedExchange gathered_exchange(std::string site, int processes, std::int64_t bytes) {
  return gathered_exchange(std::move(site), std::vector<std::int64_t>(static_cast<std::size_t>(processes), bytes));
}

}  // namespace multipl_moe
