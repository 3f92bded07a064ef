/// A row's team of several lanes, which are switched like threads.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <vector>

#include "moe/core/index.hpp"

namespace moe::testing {

/// Lanes that run concurrently and exchange values, like those of a warp: each has its own stack and is switched at the
/// points where all lanes meet.
class Warp {
 public:
  explicit Warp(int lanes) : lanes_(lanes) {}

  int lanes() const { return lanes_; }
  /// Calls f(lane) on every lane.
  template <class F>
  void run(const F& f) {
    if (lanes_ == 1) return f(0);
    body_ = [&f](int lane) { f(lane); };
    running_ = lanes_;
    for (int lane = 0; lane < lanes_; ++lane) {
      stacks_[lane].resize(64 * 1024);
      getcontext(&contexts_[lane]);
      contexts_[lane].uc_stack.ss_sp = stacks_[lane].data();
      contexts_[lane].uc_stack.ss_size = stacks_[lane].size();
      contexts_[lane].uc_link = nullptr;
      makecontext(&contexts_[lane], reinterpret_cast<void (*)()>(&Warp::enter), 0);
      met_[lane] = ended_[lane] = false;
    }
    active() = this;
    while (running_ > 0) {
      for (lane_ = 0; lane_ < lanes_; ++lane_) {
        met_[lane_] = false;
        if (!ended_[lane_]) swapcontext(&main_, &contexts_[lane_]);
      }
      for (int lane = 1; lane < lanes_; ++lane)
        if (met_[lane] != met_[0]) throw std::logic_error("lanes of a warp disagree on where they meet");
    }
  }
  /// Returns when every lane has reached this point.
  void meet(int lane) {
    met_[lane] = true;
    swapcontext(&contexts_[lane], &main_);
  }
  template <class Own, class Combine>
  Own exchange(int lane, Own own, const Combine& combine) {
    if (lanes_ == 1) return own;
    std::memcpy(slots_[lane], &own, sizeof(own));
    meet(lane);
    Own values[most];
    for (int i = 0; i < lanes_; ++i) std::memcpy(&values[i], slots_[i], sizeof(own));
    for (int step = lanes_ / 2; step > 0; step /= 2) {
      Own next[most];
      for (int i = 0; i < lanes_; ++i) next[i] = combine(values[i], values[i ^ step]);
      std::copy(next, next + lanes_, values);
    }
    meet(lane);
    return values[lane];
  }

 private:
  static constexpr int most = 32;

  static Warp*& active() {
    static Warp* warp = nullptr;
    return warp;
  }
  static void enter() {
    Warp& warp = *active();
    const int lane = warp.lane_;
    warp.body_(lane);
    warp.ended_[lane] = true;
    --warp.running_;
    swapcontext(&warp.contexts_[lane], &warp.main_);
  }

  int lanes_;
  std::function<void(int)> body_;
  ucontext_t main_{}, contexts_[most]{};
  std::vector<char> stacks_[most];
  alignas(16) std::byte slots_[most][16];
  bool met_[most]{}, ended_[most]{};
  int running_ = 0, lane_ = 0;
};

/// One lane of an emulated warp.
struct EmulatedTeam {
  /// Number of lanes of the warps that are made from now on: a power of 2, at most 32.
  static inline int lanes = 4;

  Warp* warp;
  int lane;
  Index rank() const { return lane; }
  Index size() const { return warp->lanes(); }
  template <class Number>
  Number sum(Number own) const {
    return warp->exchange(lane, own, std::plus<Number>());
  }
  template <class Own, class Combine>
  Own fold(Own own, const Combine& combine) const {
    return warp->exchange(lane, own, combine);
  }
};

}  // namespace moe::testing
