// Ranks that are processes, started by mpirun or srun. Needs an MPI of version 3.1 or newer: link moe::mpi.
//
//   moe::MpiComm comm;                                          // mpirun -n 4 program: rank 0, 1, 2 or 3 of 4
//   context.ranks = moe::ranks_over<moe::Cpu<>>(std::move(comm));
//
// A process that meets an error ends all of them: catch exceptions in main() and call abort() there.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "moe/comm/comm.hpp"
#include "moe/comm/errors.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/require.hpp"
#include "moe/mpi/process.hpp"

namespace moe {

/// How an MpiComm waits and sends.
struct MpiSettings {
  /// The longest wait of one call for other ranks. 0: no limit.
  std::chrono::milliseconds timeout{300'000};
  /// The longest message in bytes, at most 1 GiB; a longer block goes in several. MPI-3.1 counts in int, and some
  /// versions fail inside long before that.
  Index message_bytes = Index{1} << 30;
};

/// An engine over MPI-3.1, for host memory. Blocks travel as one message for each pair of ranks. The calling thread
/// polls: it gives way to other ranks on its core, and naps up to 100 us at a time in a long wait, which can so end.
/// Copies share one communicator.
///
/// After a CommError no call works: requests may be left whose memory is gone. Report the error and call abort(). While
/// an exception flies, and after an error, destructors leave MPI alone.
class MpiComm {
 public:
  /// No queue.
  struct Stream {};
  /// Host memory.
  static constexpr bool on_device = false;

  /// All processes that the launcher started. Without a launcher this is a single rank, and MPI is not called. Every
  /// rank must construct it. Throws CommError if the launcher belongs to another MPI than this program was built with,
  /// Error for settings out of their range.
  explicit MpiComm(MpiSettings settings = {}) : group_(std::make_shared<Group>()) {
    require(settings.message_bytes > 0 && settings.message_bytes <= Index{1} << 30, "MpiComm",
            "message_bytes must be in [1, 2^30], got ", settings.message_bytes);
    require_timeout(settings.timeout);
    group_->settings = settings;
    int is_initialized = 0;
    MPI_Initialized(&is_initialized);
    const auto launch = detail::MpiLaunch::of_environment();
    if (is_initialized == 0 && launch.processes == 1) return;

    group_->process = detail::MpiProcess::shared();
    MPI_Comm own = MPI_COMM_NULL;
    // A communicator of its own keeps its messages apart from those of the program.
    detail::check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &own), "MPI_Comm_dup");
    group_->take(own);
    if (launch.processes > 1 && size() == 1) {
      const std::string processes = std::to_string(launch.processes);
      group_->process->failure =
          "this process is one of " + processes + " that " + std::string(launch.launcher) + " started (" +
          std::string(launch.variable) + "=" + processes + "), but the program was built with " + library() +
          ", which sees one: start it with the mpirun of that MPI, under Slurm with srun --mpi=TYPE (srun --mpi=list)";
      throw CommError(group_->process->failure);
    }
  }

  /// The MPI that this program was built with, such as "Open MPI v4.1.4". May be called before anything else.
  static std::string library() { return detail::mpi_library(); }

  int rank() const { return group_->rank; }
  int size() const { return group_->size; }

  /// Comm::all_to_all_v. Throws CommError, also if a rank sends another number of bytes than bytes_from says.
  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> bytes_from, Stream = {}) {
    begin("all_to_all_v");
    require_sizes("all_to_all_v", bytes_to);
    require_sizes("all_to_all_v", bytes_from);
    const auto* source = static_cast<const std::byte*>(from);
    auto* target = static_cast<std::byte*>(to);
    const std::byte* own_source = nullptr;
    std::byte* own_target = nullptr;
    for (int p = 0; p < size(); ++p) {
      if (p == rank()) {
        own_source = source;
        own_target = target;
      } else {
        group_->sends.push_back({p, const_cast<std::byte*>(source), bytes_to[p]});
        group_->receives.push_back({p, target, bytes_from[p]});
      }
      source += bytes_to[p];
      target += bytes_from[p];
    }
    const Index own = bytes_to[rank()];
    require(own == bytes_from[rank()], "MpiComm::all_to_all_v", "a rank receives from itself what it sends, got ", own,
            " bytes to send and ", bytes_from[rank()], " to receive");
    if (own > 0) std::memcpy(own_target, own_source, static_cast<std::size_t>(own));
    exchange();
  }
  /// Comm::all_gather_v.
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream = {}) {
    begin("all_gather_v");
    require_sizes("all_gather_v", bytes);
    auto* target = static_cast<std::byte*>(to);
    const Index own = bytes[rank()];
    for (int p = 0; p < size(); ++p) {
      if (p != rank()) {
        group_->sends.push_back({p, static_cast<std::byte*>(const_cast<void*>(from)), own});
        group_->receives.push_back({p, target, bytes[p]});
      } else if (own > 0) {
        std::memcpy(target, from, static_cast<std::size_t>(own));
      }
      target += bytes[p];
    }
    exchange();
  }
  /// Comm::broadcast, along a binomial tree.
  void broadcast(void* data, Index bytes, int root, Stream = {}) {
    require(root >= 0 && root < size(), "MpiComm::broadcast", "root must be a rank, in [0, ", size(), "), got ", root);
    const int distance = (rank() - root + size()) % size();
    for (int reach = 1; reach < size(); reach *= 2) {
      begin("broadcast");
      if (distance < reach) {
        if (distance + reach < size())
          group_->sends.push_back({(rank() + reach) % size(), static_cast<std::byte*>(data), bytes});
      } else if (distance < 2 * reach) {
        group_->receives.push_back({(rank() - reach + size()) % size(), static_cast<std::byte*>(data), bytes});
      }
      exchange();
    }
  }
  /// Comm::barrier.
  void barrier() {
    begin("barrier");
    group_->tokens.resize(static_cast<std::size_t>(size()) + 1);
    for (int p = 0; p < size(); ++p) {
      if (p == rank()) continue;
      group_->sends.push_back({p, &group_->tokens.back(), 1});
      group_->receives.push_back({p, &group_->tokens[static_cast<std::size_t>(p)], 1});
    }
    exchange();
  }
  /// The longest wait of one call for other ranks; a longer one throws CommError that names the missing ranks. 0: no
  /// limit.
  void set_timeout(std::chrono::milliseconds time) {
    require_timeout(time);
    group_->settings.timeout = time;
  }
  /// Ends every rank with this exit code, also those outside of a split; does not return.
  [[noreturn]] void abort(int exit_code) {
    std::fflush(nullptr);
    if (group_->process != nullptr) {
      // MPICH's launcher loses what it has not read when it is told to end all processes.
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      // MPI_Abort tells the launcher, which may hang itself.
      try {
        std::thread([exit_code] {
          std::this_thread::sleep_for(std::chrono::seconds(3));
          std::_Exit(exit_code);
        }).detach();
      } catch (const std::system_error&) {
      }
      MPI_Abort(MPI_COMM_WORLD, exit_code);
    }
    std::_Exit(exit_code);
  }
  /// Comm::split. Colors are 0 or greater.
  MpiComm split(int color, int key) {
    require(color >= 0, "MpiComm::split", "color must be 0 or greater, got ", color);
    // MPI_Comm_split has no deadline, so ranks that do not come are found before it.
    barrier();
    MpiComm part(std::make_shared<Group>());
    part.group_->settings = group_->settings;
    part.group_->process = group_->process;
    if (group_->process == nullptr) return part;
    MPI_Comm own = MPI_COMM_NULL;
    group_->check(MPI_Comm_split(group_->comm, color, key, &own), "MPI_Comm_split");
    part.group_->take(own);
    return part;
  }

 private:
  /// A block for a rank, or from it.
  struct Block {
    int peer;
    std::byte* data;
    Index bytes;
  };
  /// One communicator, and memory that its calls use again.
  struct Group {
    std::shared_ptr<detail::MpiProcess> process;
    MPI_Comm comm = MPI_COMM_NULL;
    int rank = 0, size = 1;
    MpiSettings settings;
    std::thread::id thread = std::this_thread::get_id();
    std::string_view call;
    int calls = 0;
    std::vector<Block> sends, receives;
    std::vector<std::byte> tokens;
    std::vector<MPI_Request> requests;
    std::vector<int> peers;
    std::vector<int> expected;  // bytes of a request to receive, -1 for one to send
    Index bytes = 0;

    Group() = default;
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;
    ~Group() {
      if (comm != MPI_COMM_NULL && process->may_end()) MPI_Comm_free(&comm);
    }

    void take(MPI_Comm own) {
      comm = own;
      check(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
      check(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
      check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
    }
    void check(int status, std::string_view what) {
      if (status != MPI_SUCCESS) fail(std::string(what) + ": " + detail::mpi_error(status));
    }
    [[noreturn]] void fail(const std::string& text) {
      process->failure = text;
      // What has not begun to arrive is not written any more.
      for (std::size_t i = 0; i < requests.size(); ++i)
        if (requests[i] != MPI_REQUEST_NULL && expected[i] >= 0) MPI_Cancel(&requests[i]);
      throw CommError(text);
    }
  };

  explicit MpiComm(std::shared_ptr<Group> group) : group_(std::move(group)) {}

  static void require_timeout(std::chrono::milliseconds time) {
    require(time.count() >= 0, "MpiComm", "a timeout must be 0 (no limit) or more ms, got ", time.count());
  }
  void require_sizes(std::string_view call, ListView<Index> bytes) const {
    require(bytes.size == size(), call, "there must be one size for each of ", size(), " ranks, got ", bytes.size);
    for (const Index size : bytes) require(size >= 0, call, "sizes must be 0 or more bytes, got ", size);
  }
  void begin(std::string_view call) {
    Group& group = *group_;
    require(group.thread == std::this_thread::get_id(), "MpiComm",
            "the thread that made an engine must make all its calls");
    if (group.process != nullptr && !group.process->failure.empty())
      throw CommError("the communication cannot be used after an error: " + group.process->failure);
    group.call = call;
    group.sends.clear();
    group.receives.clear();
  }

  /// Sends and receives the blocks, in rounds of one message a block.
  void exchange() {
    Group& group = *group_;
    // Numbers of calls as tags: what a rank sends in one call is not received in another. MPI guarantees 15 bits.
    group.calls = (group.calls + 1) % 32768;
    for (Index first = 0; post(first); first += group.settings.message_bytes) wait();
  }
  /// Starts the messages with the bytes from `first` on. Returns whether there are any.
  bool post(Index first) {
    Group& group = *group_;
    group.requests.clear();
    group.peers.clear();
    group.expected.clear();
    group.bytes = 0;
    const auto each = [&](const std::vector<Block>& blocks, bool receives, const auto& start) {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        // Each rank begins with the one after it, so that not all begin with the same.
        const Block& block = blocks[(i + static_cast<std::size_t>(group.rank)) % blocks.size()];
        if (block.bytes <= first) continue;
        const int count = static_cast<int>((std::min)(group.settings.message_bytes, block.bytes - first));
        group.requests.push_back(MPI_REQUEST_NULL);
        group.peers.push_back(block.peer);
        group.expected.push_back(receives ? count : -1);
        group.bytes += count;
        const int status = start(block.data + first, count, block.peer, &group.requests.back());
        if (status != MPI_SUCCESS) fail(status, receives, block.peer);
      }
    };
    each(group.receives, true, [&](std::byte* data, int count, int peer, MPI_Request* request) {
      return MPI_Irecv(data, count, MPI_BYTE, peer, group.calls, group.comm, request);
    });
    each(group.sends, false, [&](const std::byte* data, int count, int peer, MPI_Request* request) {
      return MPI_Isend(data, count, MPI_BYTE, peer, group.calls, group.comm, request);
    });
    return !group.requests.empty();
  }
  /// Returns when all messages have arrived or left.
  void wait() {
    using namespace std::chrono_literals;
    constexpr int polls_alone = 50;  // about 15 us, in which answers of ranks with a core of their own arrive
    Group& group = *group_;
    const auto start = std::chrono::steady_clock::now();
    // As long as messages would take at 1 GB/s: the shortest nap is 60 us, and bytes move only while MPI is called.
    const auto first_nap = start + 100us + std::chrono::nanoseconds(group.bytes);
    std::chrono::microseconds nap = 1us;
    // One request after the other, which moves all of them. MPI_Testsome would raise errors on MPI_COMM_WORLD.
    for (std::size_t i = 0; i < group.requests.size(); ++i)
      for (int polls = 0; !is_complete(i);) {
        if (++polls <= polls_alone) continue;
        if (std::chrono::steady_clock::now() < first_nap) {
          std::this_thread::yield();
          continue;
        }
        require_time_left(start);
        std::this_thread::sleep_for(nap);
        nap = (std::min<std::chrono::microseconds>)(2 * nap, 100us);
      }
  }
  /// Throws CommError if the message could not be sent, or is not the expected one.
  bool is_complete(std::size_t request) {
    Group& group = *group_;
    if (group.requests[request] == MPI_REQUEST_NULL) return true;
    const int expected = group.expected[request], peer = group.peers[request];
    int is_done = 0;
    MPI_Status details;
    const int status = MPI_Test(&group.requests[request], &is_done, &details);
    if (status != MPI_SUCCESS) {
      int kind = MPI_SUCCESS;
      MPI_Error_class(status, &kind);
      if (kind == MPI_ERR_TRUNCATE)
        group.fail(std::string(group.call) + ": rank " + std::to_string(peer) + " sends more than the " +
                   std::to_string(expected) + " bytes that are expected from it");
      fail(status, expected >= 0, peer);
    }
    if (is_done == 0 || expected < 0) return is_done != 0;
    int received = 0;
    MPI_Get_count(&details, MPI_BYTE, &received);
    if (received != expected)
      group.fail(std::string(group.call) + ": rank " + std::to_string(peer) + " sends " + std::to_string(received) +
                 " bytes, " + std::to_string(expected) + " are expected from it");
    return true;
  }
  [[noreturn]] void fail(int status, bool receives, int peer) {
    group_->fail(std::string(group_->call) + (receives ? " from rank " : " to rank ") + std::to_string(peer) + ": " +
                 detail::mpi_error(status));
  }
  void require_time_left(std::chrono::steady_clock::time_point start) {
    Group& group = *group_;
    const auto timeout = group.settings.timeout;
    if (timeout.count() == 0 || std::chrono::steady_clock::now() - start < timeout) return;
    std::set<int> missing;
    for (std::size_t i = 0; i < group.requests.size(); ++i)
      if (!is_complete(i)) missing.insert(group.peers[i]);
    if (missing.empty()) return;
    std::string names;
    for (const int rank : missing) names += (names.empty() ? "" : ", ") + std::to_string(rank);
    group.fail(std::string(group.call) + ": rank" + (missing.size() > 1 ? "s " : " ") + names +
               " did not answer within " + std::to_string(timeout.count()) +
               " ms: a process there hangs, waits elsewhere, or needs longer (set_timeout)");
  }

  std::shared_ptr<Group> group_;
};

static_assert(Comm<MpiComm>);

}  // namespace moe
