/// Ranks with an emulated device each, which take turns: the devices share one memory, which is accessible while a
/// function of any of them runs.
#pragma once

#include <chrono>
#include <mutex>
#include <type_traits>
#include <utility>

#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "support/thread_comm.hpp"

namespace moe::testing {

/// An engine whose rank holds the turn except while it waits for the others.
class TurnComm {
 public:
  using Stream = ThreadComm::Stream;
  static constexpr bool on_device = false;

  TurnComm(ThreadComm comm, std::mutex& turn) : comm_(std::move(comm)), turn_(&turn) {}
  int rank() const { return comm_.rank(); }
  int size() const { return comm_.size(); }
  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> bytes_from, Stream stream) {
    waiting([&] { comm_.all_to_all_v(from, bytes_to, to, bytes_from, stream); });
  }
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream stream) {
    waiting([&] { comm_.all_gather_v(from, bytes, to, stream); });
  }
  void broadcast(void* data, Index bytes, int root, Stream stream) {
    waiting([&] { comm_.broadcast(data, bytes, root, stream); });
  }
  void barrier() {
    waiting([&] { comm_.barrier(); });
  }
  void set_timeout(std::chrono::milliseconds time) { comm_.set_timeout(time); }
  void abort(int exit_code) { comm_.abort(exit_code); }
  TurnComm split(int color, int key) {
    return waiting([&] { return TurnComm(comm_.split(color, key), *turn_); });
  }

 private:
  template <class Call>
  std::invoke_result_t<const Call&> waiting(const Call& call) {
    struct Turn {
      std::mutex& mutex;
      explicit Turn(std::mutex& turn) : mutex(turn) { mutex.unlock(); }
      ~Turn() { mutex.lock(); }
    } const others(*turn_);
    return call();
  }
  ThreadComm comm_;
  std::mutex* turn_;
};

}  // namespace moe::testing
