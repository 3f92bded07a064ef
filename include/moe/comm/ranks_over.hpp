#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/comm/comm.hpp"
#include "moe/comm/errors.hpp"
#include "moe/comm/ranks.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace detail {

/// What every rank sends to every other before it moves data. One size for all sites, so that ranks at different sites
/// still understand each other.
struct Announcement {
  /// How many numbers travel with it; more of them follow in a second exchange.
  static constexpr std::size_t inline_numbers = 24;

  std::int64_t call = 0;
  std::int64_t layer = 0;
  std::int64_t per_rank = 0;
  std::array<char, 40> name{};
  std::array<Index, inline_numbers> numbers{};

  Site site() const {
    const auto end = std::find(name.begin(), name.end(), '\0');
    return {{name.data(), static_cast<std::size_t>(end - name.begin())}, static_cast<std::uint32_t>(layer)};
  }
  bool agrees_with(const Announcement& other) const {
    return call == other.call && layer == other.layer && per_rank == other.per_rank && name == other.name;
  }
};
static_assert(sizeof(Announcement) == 256);

inline Index sum_of(ListView<Index> values) { return std::accumulate(values.begin(), values.end(), Index{0}); }

}  // namespace detail

/// Ranks over an engine. An engine of host memory serves a device too: data then passes through host memory.
template <Comm C, Backend B>
class RanksOver final : public Ranks<B> {
  static_assert(!C::on_device || !B::is_host, "RanksOver: an engine of device memory cannot move host memory");

 public:
  using typename Ranks<B>::Context;

  /// Takes over the engine.
  explicit RanksOver(C comm) : comm_(std::move(comm)) {
    const auto ranks = static_cast<std::size_t>(comm_.size());
    sent_.resize(ranks);
    received_.resize(ranks);
    sizes_.resize(ranks);
  }

  int rank() const override { return comm_.rank(); }
  int size() const override { return comm_.size(); }

  using AnyRanks::announce;
  void announce(Site site, ListView<Index> to, Index per_rank, Index* from) override {
    enter(site);
    const Stopwatch watch(*now_);
    ++now_->announcements;
    ++calls_;
    for (std::size_t p = 0; p < sent_.size(); ++p) sent_[p] = announcement_for(static_cast<Index>(p), to, per_rank);
    fill_sizes(static_cast<Index>(sizeof(detail::Announcement)));
    guarded([&] { on_host().all_to_all_v(sent_.data(), sizes_, received_.data(), sizes_, {}); });
    now_->announced_bytes += to_others(sizes_);
    require_lockstep();
    if (per_rank > static_cast<Index>(detail::Announcement::inline_numbers)) {
      fill_sizes(per_rank * static_cast<Index>(sizeof(Index)));
      guarded([&] { on_host().all_to_all_v(to.data, sizes_, from, sizes_, {}); });
      now_->announced_bytes += to_others(sizes_);
      return;
    }
    for (const detail::Announcement& other : received_) from = std::copy_n(other.numbers.data(), per_rank, from);
  }

  void all_to_all_v(const Context& context, const void* from, ListView<Index> bytes_to, void* to,
                    ListView<Index> bytes_from) override {
    const Stopwatch watch(*now_);
    count(to_others(bytes_to));
    const Staged staged(*this, context, from, detail::sum_of(bytes_to), to, detail::sum_of(bytes_from));
    guarded([&] { comm_.all_to_all_v(staged.from, bytes_to, staged.to, bytes_from, stream_of(context)); });
    staged.finish();
  }
  void all_gather_v(const Context& context, const void* from, ListView<Index> bytes, void* to) override {
    const Stopwatch watch(*now_);
    count(bytes[comm_.rank()] * (comm_.size() - 1));
    const Staged staged(*this, context, from, bytes[comm_.rank()], to, detail::sum_of(bytes));
    guarded([&] { comm_.all_gather_v(staged.from, bytes, staged.to, stream_of(context)); });
    staged.finish();
  }
  void broadcast(const Context& context, void* data, Index bytes, int root) override {
    const Stopwatch watch(*now_);
    count(comm_.rank() == root ? bytes * (comm_.size() - 1) : 0);
    const Staged staged(*this, context, data, bytes, data, bytes);
    if constexpr (!B::is_host) staged.copy_through();
    guarded([&] { comm_.broadcast(staged.to, bytes, root, stream_of(context)); });
    staged.finish();
  }
  std::vector<std::vector<std::byte>> gather(Site site, std::span<const std::byte> mine) override {
    const std::vector<Index> bytes = announced_sizes(site, mine);
    const Stopwatch watch(*now_);
    count(static_cast<Index>(mine.size()) * (comm_.size() - 1));
    std::vector<std::byte> all(static_cast<std::size_t>(detail::sum_of(bytes)));
    guarded([&] { on_host().all_gather_v(mine.data(), bytes, all.data(), {}); });
    return records(all, bytes);
  }
  std::vector<std::vector<std::byte>> gather_to(int root, Site site, std::span<const std::byte> mine) override {
    require(root >= 0 && root < comm_.size(), "Ranks::gather_to", "root must be a rank, in [0, ", comm_.size(),
            "), got ", root);
    std::vector<Index> bytes = announced_sizes(site, mine), to(bytes.size());
    const Stopwatch watch(*now_);
    to[static_cast<std::size_t>(root)] = static_cast<Index>(mine.size());
    if (comm_.rank() != root) std::fill(bytes.begin(), bytes.end(), 0);
    count(to_others(to));
    std::vector<std::byte> all(static_cast<std::size_t>(detail::sum_of(bytes)));
    guarded([&] { on_host().all_to_all_v(mine.data(), to, all.data(), bytes, {}); });
    return records(all, bytes);
  }

  void set_timeout(std::chrono::milliseconds time) override { comm_.set_timeout(time); }
  void abort(int exit_code) override { comm_.abort(exit_code); }
  std::map<std::string, Traffic> traffic() const override {
    std::map<std::string, Traffic> result;
    for (const auto& [place, traffic] : traffic_) result[Site{place.second, place.first}.text()] = traffic;
    return result;
  }
  void reset_traffic() override {
    for (auto& [place, traffic] : traffic_) traffic = {};
  }
  /// The engine.
  C& comm() { return comm_; }

 private:
  /// Adds the time of its life to the site's seconds.
  class Stopwatch {
   public:
    explicit Stopwatch(Traffic& traffic) : traffic_(traffic) {}
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    ~Stopwatch() {
      traffic_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    }

   private:
    Traffic& traffic_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  };

  /// The addresses that the engine reads and writes: the caller's, or host copies of device memory.
  struct Staged {
    const RanksOver& ranks;
    const Context& context;
    const void* from;
    void* to;
    void* target;
    Index bytes_from, bytes_to;

    Staged(RanksOver& owner, const Context& context_, const void* from_, Index bytes_from_, void* to_, Index bytes_to_)
        : ranks(owner),
          context(context_),
          from(from_),
          to(to_),
          target(to_),
          bytes_from(bytes_from_),
          bytes_to(bytes_to_) {
      if constexpr (!B::is_host && !C::on_device) {
        owner.staged_from_.resize(static_cast<std::size_t>(bytes_from));
        owner.staged_to_.resize(static_cast<std::size_t>(bytes_to));
        if (bytes_from > 0)
          B::template download<std::byte>(context,
                                          View<const std::byte, B>(static_cast<const std::byte*>(from), 1, bytes_from),
                                          owner.staged_from_.data());
        from = owner.staged_from_.data();
        to = owner.staged_to_.data();
      }
    }
    /// For data that is sent and received in place.
    void copy_through() const {
      if constexpr (!C::on_device)
        if (bytes_from > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes_from));
    }
    /// Writes what was received to its target.
    void finish() const {
      if constexpr (!B::is_host && !C::on_device)
        if (bytes_to > 0)
          B::template upload<std::byte>(context, static_cast<const std::byte*>(to),
                                        View<std::byte, B>(static_cast<std::byte*>(target), 1, bytes_to));
    }
  };

  /// The size of every rank's record.
  std::vector<Index> announced_sizes(Site site, std::span<const std::byte> mine) {
    const std::vector<Index> to(sizes_.size(), static_cast<Index>(mine.size()));
    std::vector<Index> bytes(sizes_.size());
    announce(site, to, 1, bytes.data());
    return bytes;
  }
  static std::vector<std::vector<std::byte>> records(const std::vector<std::byte>& all,
                                                     const std::vector<Index>& bytes) {
    std::vector<std::vector<std::byte>> result;
    auto next = all.cbegin();
    for (const Index size : bytes) {
      result.emplace_back(next, next + size);
      next += size;
    }
    return result;
  }

  void enter(Site site) {
    site_ = site;
    now_ = &traffic_[{site.layer, site.name}];
  }
  detail::Announcement announcement_for(Index peer, ListView<Index> to, Index per_rank) const {
    detail::Announcement result;
    result.call = calls_;
    result.layer = site_.layer;
    result.per_rank = per_rank;
    std::copy_n(site_.name.data(), (std::min)(site_.name.size(), result.name.size()), result.name.data());
    if (per_rank <= static_cast<Index>(detail::Announcement::inline_numbers))
      std::copy_n(to.data + peer * per_rank, per_rank, result.numbers.data());
    return result;
  }
  void require_lockstep() const {
    const auto mine = static_cast<std::size_t>(comm_.rank());
    for (std::size_t p = 0; p < received_.size(); ++p) {
      if (received_[p].agrees_with(sent_[mine])) continue;
      const auto place = [](const detail::Announcement& at) {
        return "'" + at.site().text() + "' (exchange " + std::to_string(at.call) + " of the run, " +
               std::to_string(at.per_rank) + " numbers for each rank)";
      };
      throw CommError("[" + site_.text() + "] the ranks are at different places: rank " + std::to_string(p) +
                      " is in " + place(received_[p]) + ", rank " + std::to_string(mine) + " in " + place(sent_[mine]) +
                      "; every rank must run the same layers in the same order, also with a batch of no rows");
    }
  }
  /// Adds the site to what the engine reports.
  template <class Call>
  void guarded(const Call& call) const {
    try {
      call();
    } catch (const CommError& error) {
      throw CommError("[" + site_.text() + "] rank " + std::to_string(comm_.rank()) + " of " +
                      std::to_string(comm_.size()) + ": " + error.what());
    }
  }
  /// The engine for announcements and records, which are in host memory.
  auto& on_host() {
    if constexpr (C::on_device)
      return comm_.host();
    else
      return comm_;
  }
  static typename C::Stream stream_of([[maybe_unused]] const Context& context) {
    if constexpr (C::on_device)
      return context.device->stream();
    else
      return {};
  }
  void fill_sizes(Index bytes) { std::fill(sizes_.begin(), sizes_.end(), bytes); }
  Index to_others(ListView<Index> bytes) const { return detail::sum_of(bytes) - bytes[comm_.rank()]; }
  void count(Index bytes) {
    ++now_->calls;
    now_->bytes += bytes;
  }

  C comm_;
  Site site_{"before the first announcement"};
  std::int64_t calls_ = 0;
  std::map<std::pair<std::uint32_t, std::string_view>, Traffic> traffic_;
  Traffic none_{};
  Traffic* now_ = &none_;
  std::vector<detail::Announcement> sent_, received_;
  std::vector<Index> sizes_;
  std::vector<std::byte> staged_from_, staged_to_;
};

/// Ranks of backend B over an engine, for a context: `context.ranks = ranks_over<Cpu<>>(LocalComm())`.
template <Backend B, Comm C>
std::shared_ptr<Ranks<B>> ranks_over(C comm) {
  return std::make_shared<RanksOver<C, B>>(std::move(comm));
}

}  // namespace moe
