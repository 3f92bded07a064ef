// Ranks that are processes with a GPU each: rows, gradients and weights travel between GPUs. For .cu files; needs NCCL
// 2.14 or newer: link moe::nccl. It is compiled and linked by the tests, and has not run on a GPU yet.
//
//   moe::NcclComm comm{moe::MpiComm()};   // before anything else that uses a GPU: it selects this rank's
//   const moe::CudaContext context(stream);
//   context.ranks = moe::ranks_over<moe::Cuda>(std::move(comm));
#pragma once

#include <cuda_runtime.h>
#include <nccl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "moe/backend/cuda/check.cuh"
#include "moe/backend/cuda/device_count.cuh"
#include "moe/comm/comm.hpp"
#include "moe/comm/errors.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/require.hpp"

#if NCCL_VERSION_CODE < NCCL_VERSION(2, 14, 0)
#error "moe/nccl.cuh needs NCCL 2.14 or newer, whose calls can be given a deadline"
#endif

namespace moe {

/// How an NcclComm waits.
struct NcclSettings {
  /// The GPU of this rank; -1: the ranks of a host take its GPUs in their order.
  int device = -1;
  /// The longest wait for other ranks. 0: no limit.
  std::chrono::milliseconds timeout{300'000};
  /// With what the process ends if a GPU waits for longer.
  int exit_code = 1;
};

namespace detail {

/// NCCL keeps what processes of a host exchange in /dev/shm, which containers make too small.
inline std::string shared_memory_note() {
  struct statvfs disk {};
  if (statvfs("/dev/shm", &disk) != 0) return {};
  const auto mebibytes = disk.f_frsize * disk.f_blocks >> 20;
  if (mebibytes >= 1024) return {};
  return " (/dev/shm has " + std::to_string(mebibytes) + " MiB, which may be too little: docker run --shm-size=1g)";
}

/// A communicator of NCCL, and a thread that ends the process if a GPU waits too long: no call of NCCL or CUDA returns
/// then, not even the one that aborts.
class NcclGroup {
 public:
  NcclGroup(int size, int rank, const ncclUniqueId& id, int device, const NcclSettings& settings_)
      : settings(settings_), device_(device), exceptions_(std::uncaught_exceptions()) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    const auto status = ncclCommInitRankConfig(&comm, size, id, rank, &config);
    try {
      settle(status, "the start of NCCL");
    } catch (const CommError& error) {
      throw CommError(error.what() + shared_memory_note());
    }
    watchdog_ = std::thread([this] { watch(); });
  }
  NcclGroup(const NcclGroup&) = delete;
  NcclGroup& operator=(const NcclGroup&) = delete;
  /// After an error, and while an exception flies, the other ranks would not take part in an orderly end.
  ~NcclGroup() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    if (watchdog_.joinable()) watchdog_.join();
    for (const Pending& pending : pending_) cudaEventDestroy(pending.event);
    for (const cudaEvent_t event : free_) cudaEventDestroy(event);
    if (has_failed_ || std::uncaught_exceptions() > exceptions_) return;
    try {
      settle(ncclCommFinalize(comm), "the end of NCCL");
      ncclCommDestroy(comm);
    } catch (const CommError&) {
    }
  }

  /// Throws CommError unless a call succeeds, now or by the deadline.
  void settle(ncclResult_t status, std::string_view call) {
    const auto start = std::chrono::steady_clock::now();
    while (status == ncclInProgress) {
      const auto own = ncclCommGetAsyncError(comm, &status);
      if (own != ncclSuccess) status = own;
      if (status != ncclInProgress) break;
      if (settings.timeout.count() > 0 && std::chrono::steady_clock::now() - start > settings.timeout)
        fail(std::string(call) + ": another rank did not answer within " + std::to_string(settings.timeout.count()) +
             " ms: a process there hangs, waits elsewhere, or needs longer (set_timeout)");
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (status != ncclSuccess) fail(std::string(call) + ": " + text_of(status));
  }
  /// Limits the time until the stream has done what was enqueued by now.
  void expect_end(std::string_view call, cudaStream_t stream) {
    if (settings.timeout.count() == 0) return;
    const std::lock_guard lock(mutex_);
    cudaEvent_t event = nullptr;
    if (free_.empty()) {
      gpu::check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "NcclComm");
    } else {
      event = free_.back();
      free_.pop_back();
    }
    pending_.push_back({event, call, std::chrono::steady_clock::now(), settings.timeout});
    gpu::check(cudaEventRecord(event, stream), "NcclComm");
    changed_.notify_all();
  }

  ncclComm_t comm = nullptr;
  NcclSettings settings;

 private:
  struct Pending {
    cudaEvent_t event;
    std::string_view call;
    std::chrono::steady_clock::time_point start;
    std::chrono::milliseconds timeout;
  };

  [[noreturn]] void fail(const std::string& text) {
    has_failed_ = true;
    throw CommError(text);
  }
  std::string text_of(ncclResult_t status) const {
    const char* last = ncclGetLastError(comm);
    return std::string(ncclGetErrorString(status)) + (last != nullptr && *last != '\0' ? std::string(": ") + last : "");
  }
  [[noreturn]] void end_process(std::string_view call, const std::string& text) const {
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(call.size()), call.data(), text.c_str());
    _exit(settings.exit_code);
  }
  void watch() {
    static_cast<void>(cudaSetDevice(device_));
    std::unique_lock lock(mutex_);
    while (!ends_) {
      if (pending_.empty()) {
        changed_.wait(lock, [&] { return ends_ || !pending_.empty(); });
        continue;
      }
      const Pending& next = pending_.front();
      ncclResult_t status = ncclSuccess;
      if (ncclCommGetAsyncError(comm, &status) == ncclSuccess && status != ncclSuccess && status != ncclInProgress)
        end_process(next.call, text_of(status));
      if (cudaEventQuery(next.event) != cudaErrorNotReady) {
        free_.push_back(next.event);
        pending_.pop_front();
      } else if (std::chrono::steady_clock::now() - next.start > next.timeout) {
        end_process(next.call, "the GPU has waited for another rank for " + std::to_string(next.timeout.count()) +
                                   " ms: a process there hangs or has ended");
      } else {
        changed_.wait_for(lock, std::chrono::milliseconds(10));
      }
    }
  }

  int device_, exceptions_;
  bool has_failed_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> pending_;
  std::vector<cudaEvent_t> free_;
  bool ends_ = false;
  std::thread watchdog_;
};

}  // namespace detail

/// An engine over NCCL, for memory of one GPU a rank. `host` is an engine of host memory over the same ranks: it starts
/// NCCL, and carries announcements, records and barriers. Data moves in the order of the stream that a call is given;
/// use one stream. All blocks of a call are one group of NCCL, so that no two ranks wait for each other in turn.
///
/// The host does not wait for the data. A wait of the GPU beyond the timeout, and an error of NCCL, end the process
/// with NcclSettings::exit_code: no exception can reach a thread that waits for the GPU.
template <Comm Host>
class NcclComm {
  static_assert(!Host::on_device, "NcclComm: `host` must be an engine of host memory, such as MpiComm");

 public:
  using Stream = cudaStream_t;
  /// The GPU's memory.
  static constexpr bool on_device = true;

  /// Makes this rank's GPU the current device. Every rank must construct it. Throws DeviceError if there is no GPU,
  /// CommError if NCCL cannot start.
  explicit NcclComm(Host host, NcclSettings settings = {}) : host_(std::move(host)) {
    require_timeout(settings.timeout);
    const int devices = gpu::device_count();
    if (settings.device < 0) settings.device = rank_on_host() % devices;
    require(settings.device < devices, "NcclComm", "device must be one of ", devices, " GPUs, numbered from 0, got ",
            settings.device);
    gpu::check(cudaSetDevice(settings.device), "NcclComm");
    host_.set_timeout(settings.timeout);
    start(settings);
  }

  int rank() const { return host_.rank(); }
  int size() const { return host_.size(); }
  /// The engine of host memory.
  Host& host() { return host_; }

  /// Comm::all_to_all_v.
  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> bytes_from, Stream stream) {
    require_sizes("NcclComm::all_to_all_v", bytes_to);
    require_sizes("NcclComm::all_to_all_v", bytes_from);
    grouped("all_to_all_v", stream, [&] {
      const auto* source = static_cast<const std::byte*>(from);
      auto* target = static_cast<std::byte*>(to);
      for (int p = 0; p < size(); ++p) {
        send(source, bytes_to[p], p, stream);
        receive(target, bytes_from[p], p, stream);
        source += bytes_to[p];
        target += bytes_from[p];
      }
    });
  }
  /// Comm::all_gather_v.
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream stream) {
    require_sizes("NcclComm::all_gather_v", bytes);
    grouped("all_gather_v", stream, [&] {
      auto* target = static_cast<std::byte*>(to);
      for (int p = 0; p < size(); ++p) {
        send(from, bytes[rank()], p, stream);
        receive(target, bytes[p], p, stream);
        target += bytes[p];
      }
    });
  }
  /// Comm::broadcast.
  void broadcast(void* data, Index bytes, int root, Stream stream) {
    require(root >= 0 && root < size(), "NcclComm::broadcast", "root must be a rank, in [0, ", size(), "), got ", root);
    if (bytes == 0) return;
    grouped("broadcast", stream, [&] {
      check(ncclBroadcast(data, data, static_cast<std::size_t>(bytes), ncclUint8, root, group_->comm, stream),
            "broadcast");
    });
  }
  /// Comm::barrier, of the host's threads.
  void barrier() { host_.barrier(); }
  /// The longest wait of later calls, of the host and of the GPU. 0: no limit.
  void set_timeout(std::chrono::milliseconds time) {
    require_timeout(time);
    host_.set_timeout(time);
    group_->settings.timeout = time;
  }
  /// Ends every rank with this exit code; does not return.
  [[noreturn]] void abort(int exit_code) {
    host_.abort(exit_code);
    std::_Exit(exit_code);
  }
  /// Comm::split. Two groups must not have calls on their way at the same time.
  NcclComm split(int color, int key) { return NcclComm(host_.split(color, key), group_->settings); }

 private:
  static void require_timeout(std::chrono::milliseconds time) {
    require(time.count() >= 0, "NcclComm", "a timeout must be 0 (no limit) or more ms, got ", time.count());
  }
  void require_sizes(std::string_view call, ListView<Index> bytes) const {
    require(bytes.size == size(), call, "there must be one size for each of ", size(), " ranks, got ", bytes.size);
    for (const Index count : bytes) require(count >= 0, call, "sizes must be 0 or more bytes, got ", count);
  }
  /// This rank's number among those of its host.
  int rank_on_host() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    const std::vector<Index> bytes(static_cast<std::size_t>(size()), static_cast<Index>(name.size()));
    std::vector<std::array<char, 256>> names(bytes.size());
    host_.all_gather_v(name.data(), bytes, names.data(), {});
    int before = 0;
    for (std::size_t p = 0; p < static_cast<std::size_t>(rank()); ++p) before += names[p] == name ? 1 : 0;
    return before;
  }
  void start(const NcclSettings& settings) {
    // The id travels with the error of rank 0, so that no rank waits for one that does not come.
    struct Start {
      ncclUniqueId id;
      ncclResult_t status;
    } begin{};
    if (rank() == 0) begin.status = ncclGetUniqueId(&begin.id);
    host_.broadcast(&begin, static_cast<Index>(sizeof(begin)), 0, {});
    if (begin.status != ncclSuccess)
      throw CommError(std::string("NCCL cannot start on rank 0: ") + ncclGetErrorString(begin.status));
    group_ = std::make_unique<detail::NcclGroup>(size(), rank(), begin.id, settings.device, settings);
  }
  void check(ncclResult_t status, std::string_view call) {
    if (status != ncclInProgress) group_->settle(status, call);
  }
  void send(const void* from, Index bytes, int peer, Stream stream) {
    if (bytes > 0)
      check(ncclSend(from, static_cast<std::size_t>(bytes), ncclUint8, peer, group_->comm, stream), "ncclSend");
  }
  void receive(void* to, Index bytes, int peer, Stream stream) {
    if (bytes > 0)
      check(ncclRecv(to, static_cast<std::size_t>(bytes), ncclUint8, peer, group_->comm, stream), "ncclRecv");
  }
  template <class Calls>
  void grouped(std::string_view call, Stream stream, const Calls& calls) {
    check(ncclGroupStart(), call);
    calls();
    group_->settle(ncclGroupEnd(), call);
    group_->expect_end(call, stream);
  }

  Host host_;
  std::unique_ptr<detail::NcclGroup> group_;
};

}  // namespace moe
