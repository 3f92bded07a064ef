#pragma once

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "moe/comm/comm.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// The engine of a single rank: every call copies within its memory. Code for several ranks runs with it unchanged.
class LocalComm {
 public:
  /// No queue.
  struct Stream {};
  /// Host memory.
  static constexpr bool on_device = false;

  /// The only rank.
  int rank() const { return 0; }
  /// One rank.
  int size() const { return 1; }
  /// Copies the rank's block for itself.
  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> /*bytes_from*/, Stream) {
    copy(from, bytes_to[0], to);
  }
  /// Copies the rank's block.
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream) { copy(from, bytes[0], to); }
  /// The data is already here.
  void broadcast(void* /*data*/, Index /*bytes*/, int /*root*/, Stream) {}
  /// No rank to wait for.
  void barrier() {}
  /// No rank to wait for.
  void set_timeout(std::chrono::milliseconds) {}
  /// Ends the process.
  [[noreturn]] void abort(int exit_code) { std::_Exit(exit_code); }
  /// The same rank, alone.
  LocalComm split(int /*color*/, int /*key*/) { return {}; }

 private:
  static void copy(const void* from, Index bytes, void* to) {
    if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
};

static_assert(Comm<LocalComm>);

}  // namespace moe
