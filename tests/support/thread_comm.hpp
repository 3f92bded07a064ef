/// Ranks that are threads of one process, for tests without MPI. The engine checks that all ranks make the same call
/// and state the same sizes, which a real engine only partly does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "moe/comm/comm.hpp"
#include "moe/comm/errors.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"

namespace moe::testing {

/// What the ranks of one group share.
class ThreadWorld {
 public:
  /// What a rank brings to a call.
  struct Offer {
    std::string_view call;
    const void* from = nullptr;
    std::vector<Index> bytes{};
    int color = 0, key = 0;
    std::shared_ptr<ThreadWorld> group{};
  };

  explicit ThreadWorld(int size) : offers(static_cast<std::size_t>(size)), is_here_(static_cast<std::size_t>(size)) {}

  int size() const { return static_cast<int>(offers.size()); }

  /// Returns when every rank is here; throws CommError if one has ended or does not come in time.
  void meet(int rank, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!end_.empty()) throw CommError(end_);
    const std::size_t round = round_;
    is_here_[static_cast<std::size_t>(rank)] = true;
    if (++here_ == offers.size()) {
      here_ = 0;
      is_here_.assign(is_here_.size(), false);
      ++round_;
      all_here_.notify_all();
      return;
    }
    const auto is_done = [&] { return round_ != round || !end_.empty(); };
    if (timeout.count() == 0) {
      all_here_.wait(lock, is_done);
    } else if (!all_here_.wait_for(lock, timeout, is_done)) {
      std::string missing;
      for (std::size_t p = 0; p < is_here_.size(); ++p)
        if (!is_here_[p]) missing += (missing.empty() ? "" : ", ") + std::to_string(p);
      end_ = "rank " + missing + " did not answer within " + std::to_string(timeout.count()) + " ms";
      all_here_.notify_all();
    }
    if (round_ == round) throw CommError(end_);
  }
  /// Every rank that waits, or will, throws CommError with this text.
  void end(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (end_.empty()) end_ = text;
    all_here_.notify_all();
    for (const auto& group : groups_) group->end(text);
  }
  /// A group of some of the ranks, which ends with this one.
  std::shared_ptr<ThreadWorld> make_group(int size) {
    const std::lock_guard lock(mutex_);
    return groups_.emplace_back(std::make_shared<ThreadWorld>(size));
  }

  std::vector<Offer> offers;

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::vector<bool> is_here_;
  std::size_t here_ = 0, round_ = 0;
  std::string end_;
  std::vector<std::shared_ptr<ThreadWorld>> groups_;
};

/// Thrown by ThreadComm::abort in place of the process's end.
struct Aborted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The engine of one such rank.
class ThreadComm {
 public:
  struct Stream {};
  static constexpr bool on_device = false;

  ThreadComm(std::shared_ptr<ThreadWorld> world, int rank) : world_(std::move(world)), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const { return world_->size(); }

  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> bytes_from, Stream) {
    exchange({"all_to_all_v", from, {bytes_to.begin(), bytes_to.end()}});
    check_each([&](int p, const ThreadWorld::Offer& other) {
      require_size(p, other.bytes[static_cast<std::size_t>(rank_)], bytes_from[p]);
    });
    auto* target = static_cast<std::byte*>(to);
    each([&](int p, const ThreadWorld::Offer& other) {
      Index before = 0;
      for (int q = 0; q < rank_; ++q) before += other.bytes[static_cast<std::size_t>(q)];
      target = copy(other.from, before, bytes_from[p], target);
    });
  }
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream) {
    exchange({"all_gather_v", from, {bytes.begin(), bytes.end()}});
    check_each([&](int p, const ThreadWorld::Offer& other) {
      require_size(p, other.bytes[static_cast<std::size_t>(p)], bytes[p]);
    });
    auto* target = static_cast<std::byte*>(to);
    each([&](int p, const ThreadWorld::Offer& other) { target = copy(other.from, 0, bytes[p], target); });
  }
  void broadcast(void* data, Index bytes, int root, Stream) {
    exchange({"broadcast", data, {bytes, root}});
    check_each([&](int p, const ThreadWorld::Offer& other) { require_size(p, other.bytes[0], bytes); });
    each([&](int p, const ThreadWorld::Offer& other) {
      if (p == root && p != rank_) copy(other.from, 0, bytes, static_cast<std::byte*>(data));
    });
  }
  void barrier() {
    exchange({"barrier"});
    check_each([](int, const ThreadWorld::Offer&) {});
    each([](int, const ThreadWorld::Offer&) {});
  }
  void set_timeout(std::chrono::milliseconds time) { timeout_ = time; }
  [[noreturn]] void abort(int exit_code) {
    world_->end("rank " + std::to_string(rank_) + " has ended");
    throw Aborted("rank " + std::to_string(rank_) + " ends every rank with exit code " + std::to_string(exit_code));
  }
  ThreadComm split(int color, int key) {
    exchange({"split", nullptr, {}, color, key});
    check_each([](int, const ThreadWorld::Offer&) {});
    int members = 0, mine = 0, first = -1;
    each([&](int p, const ThreadWorld::Offer& other) {
      if (other.color != color) return;
      ++members;
      if (first == -1) first = p;
      if (other.key < key || (other.key == key && p < rank_)) ++mine;
    });
    // The first rank of each color makes its group; the others take it.
    ThreadWorld::Offer group{"group"};
    if (first == rank_) group.group = world_->make_group(members);
    exchange(std::move(group));
    ThreadComm result(world_->offers[static_cast<std::size_t>(first)].group, mine);
    result.timeout_ = timeout_;
    meet();
    return result;
  }

 private:
  void meet() { world_->meet(rank_, timeout_); }
  /// After it, every rank's offer is in place until the last meeting of the call.
  void exchange(ThreadWorld::Offer mine) {
    world_->offers[static_cast<std::size_t>(rank_)] = std::move(mine);
    meet();
  }
  /// Before a rank copies another's memory, all have found that their calls fit: none throws while another copies.
  template <class Check>
  void check_each(const Check& check) {
    const ThreadWorld::Offer& mine = world_->offers[static_cast<std::size_t>(rank_)];
    for (int p = 0; p < size(); ++p) {
      const ThreadWorld::Offer& other = world_->offers[static_cast<std::size_t>(p)];
      if (other.call != mine.call)
        fail("rank " + std::to_string(p) + " calls " + std::string(other.call) + ", rank " + std::to_string(rank_) +
             " " + std::string(mine.call));
      check(p, other);
    }
    meet();
  }
  template <class Use>
  void each(const Use& use) {
    for (int p = 0; p < size(); ++p) use(p, world_->offers[static_cast<std::size_t>(p)]);
    meet();
  }
  void require_size(int peer, Index sent, Index expected) {
    if (sent != expected)
      fail("rank " + std::to_string(peer) + " sends " + std::to_string(sent) + " bytes, rank " + std::to_string(rank_) +
           " expects " + std::to_string(expected));
  }
  [[noreturn]] void fail(const std::string& text) {
    world_->end(text);
    throw CommError(text);
  }
  static std::byte* copy(const void* from, Index before, Index bytes, std::byte* to) {
    if (bytes == 0) return to;
    std::memcpy(to, static_cast<const std::byte*>(from) + before, static_cast<std::size_t>(bytes));
    return to + bytes;
  }

  std::shared_ptr<ThreadWorld> world_;
  int rank_;
  std::chrono::milliseconds timeout_{0};
};

static_assert(Comm<ThreadComm>);

/// Runs work(ThreadComm) on `ranks` threads and returns the exception of each rank, or null. A rank that throws ends
/// the others' waits, as the end of a process does.
template <class Work>
std::vector<std::exception_ptr> ends_of_ranks(int ranks, const Work& work) {
  const auto world = std::make_shared<ThreadWorld>(ranks);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      try {
        work(ThreadComm(world, rank));
      } catch (...) {
        errors[static_cast<std::size_t>(rank)] = std::current_exception();
        world->end("rank " + std::to_string(rank) + " has ended");
      }
    });
  for (std::thread& thread : threads) thread.join();
  return errors;
}
/// The text of an exception; empty for null.
inline std::string text_of(const std::exception_ptr& error) {
  if (error == nullptr) return {};
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  }
}
/// Runs work(ThreadComm) on `ranks` threads; throws the first rank's exception that is not a consequence of another's.
template <class Work>
void run_ranks(int ranks, const Work& work) {
  const auto errors = ends_of_ranks(ranks, work);
  std::exception_ptr first;
  for (const std::exception_ptr& error : errors)
    if (error != nullptr && (first == nullptr || text_of(first).find("has ended") != std::string::npos)) first = error;
  if (first != nullptr) std::rethrow_exception(first);
}

}  // namespace moe::testing
