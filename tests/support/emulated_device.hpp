/// An emulated device that needs no GPU. Its memory is accessible only while one of its functions runs, so that a read
/// or write by the host is fatal, as on a GPU; a function that refers to memory of the host is an error; independent
/// products run in another order than they were enqueued, and those that are not independent are an error. Its memory
/// has a capacity; copies beside the work are made as late as is allowed. The decisions and results of Accelerator can
/// thus be tested on every machine.
#pragma once

#include <thrust/system/cpp/execution_policy.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/cuda/accelerator.cuh"
#include "moe/core/team.hpp"
#include "support/emulated_memory.hpp"
#include "support/emulated_warp.hpp"

namespace moe::testing {

template <class Team_>
class EmulatedDevice {
 public:
  using Team = Team_;
  using Stream = int;
  using Access = DeviceMemory::Access;

  explicit EmulatedDevice(Stream stream) : stream_(stream) {}
  Stream stream() const { return stream_; }

  static void* take(EmulatedDevice*, std::size_t bytes) { return DeviceMemory::get().take(bytes); }
  static void give(EmulatedDevice*, void* block) noexcept { DeviceMemory::get().give(block); }
  static void copy(EmulatedDevice*, void* to, const void* from, std::size_t bytes) {
    const Access access;
    std::memcpy(to, from, bytes);
  }
  static void zero(EmulatedDevice*, void* block, std::size_t bytes) {
    const Access access;
    std::memset(block, 0, bytes);
  }
  void to_device(void* to, std::size_t stride, const void* from, std::size_t row, Index rows) {
    const Access access;
    require_side(to, true);
    require_side(from, false);
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r)
      std::memcpy(static_cast<char*>(to) + r * stride, static_cast<const char*>(from) + r * row, row);
    ++uploads;
  }
  void to_host(void* to, const void* from, std::size_t stride, std::size_t row, Index rows) {
    const Access access;
    require_side(to, false);
    require_side(from, true);
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r)
      std::memcpy(static_cast<char*>(to) + r * row, static_cast<const char*>(from) + r * stride, row);
    ++waits;
    arrived_ = copies_;
  }

  /// An asynchronous copy to the host, whose bytes are available only after wait().
  class PinnedTransfer {
   public:
    PinnedTransfer(EmulatedDevice* device, const void* from, std::size_t bytes)
        : device_(device), number_(++device->copies_), bytes_(bytes) {
      const Access access;
      std::memcpy(bytes_.data(), from, bytes);
    }
    const void* wait() {
      // Copies finish in the order in which they were started: once a later one has finished, there is no wait.
      if (number_ > device_->arrived_) {
        ++device_->waits;
        device_->products_before_wait = device_->products;
        device_->arrived_ = number_;
      }
      return bytes_.data();
    }

   private:
    EmulatedDevice* device_;
    long number_;
    std::vector<std::byte> bytes_;
  };
  std::shared_ptr<PinnedTransfer> to_host_async(const void* from, std::size_t bytes) {
    require_side(from, true);
    return std::make_shared<PinnedTransfer>(this, from, bytes);
  }

  /// Host memory for copies beside the work.
  class PinnedMemory {
   public:
    explicit PinnedMemory(std::size_t bytes) : bytes_(bytes, poison) {
      if (DeviceMemory::get().is_refused()) throw PinnedOutOfMemory(bytes);
      all().insert(this);
    }
    PinnedMemory(const PinnedMemory&) = delete;
    PinnedMemory& operator=(const PinnedMemory&) = delete;
    ~PinnedMemory() { all().erase(this); }
    std::byte* data() { return bytes_.data(); }

    static bool owns(const void* place, std::size_t bytes) {
      const auto* first = static_cast<const std::byte*>(place);
      return std::any_of(all().begin(), all().end(), [=](const PinnedMemory* memory) {
        const std::byte* begin = memory->bytes_.data();
        return first >= begin && first + bytes <= begin + memory->bytes_.size();
      });
    }

   private:
    static std::set<const PinnedMemory*>& all() {
      static std::set<const PinnedMemory*> memories;
      return memories;
    }
    std::vector<std::byte> bytes_;
  };

  /// Copies beside the work, each made as late as is allowed; until then its target has arbitrary bytes. Memory that a
  /// copy reads must be the same from the moment at which the copy may begin until it is made. A copy that shares
  /// memory with earlier ones of its lane begins when they have ended.
  class CopyLane {
   public:
    explicit CopyLane(EmulatedDevice& device) : device_(device) { after_work(); }
    CopyLane(const CopyLane&) = delete;
    CopyLane& operator=(const CopyLane&) = delete;
    ~CopyLane() { make_copies(); }

    void after_work() { image_ = DeviceMemory::get().image(); }
    void copy_in(void* to, const void* from, std::size_t bytes) {
      require_sides(to, from, bytes);
      finish_those_of(to, from, bytes);
      const auto* values = static_cast<const std::byte*>(from);
      enqueue(to, from, {values, values + bytes});
    }
    void copy_out(void* to, const void* from, std::size_t bytes) {
      require_sides(from, to, bytes);
      finish_those_of(to, from, bytes);
      // As the device's memory was when the lane last waited for the work.
      const std::size_t at = DeviceMemory::get().offset_of(from);
      std::vector<std::byte> seen(bytes, poison);
      for (std::size_t i = 0; i < bytes && at + i < image_.size(); ++i) seen[i] = image_[at + i];
      enqueue(to, from, std::move(seen));
    }
    void before_work() { finish(); }
    void wait() {
      ++device_.waits;
      finish();
    }
    template <class Context>
    bool is_beside(const Context& context) const {
      return context.device.get() == &device_;
    }

   private:
    struct Copy {
      void* to;
      const void* from;
      std::vector<std::byte> seen;
    };
    static void require_sides(const void* on_device, const void* on_host, std::size_t bytes) {
      require_side(on_device, true);
      if (!PinnedMemory::owns(on_host, bytes))
        throw std::logic_error("a copy beside the work needs pinned host memory");
    }
    /// Makes the copies if one reads or writes one of these places.
    void finish_those_of(const void* to, const void* from, std::size_t bytes) {
      const auto shares = [bytes](const void* place, const void* other, std::size_t size) {
        const auto *a = static_cast<const std::byte*>(place), *b = static_cast<const std::byte*>(other);
        return a < b + size && b < a + bytes;
      };
      if (std::any_of(copies_.begin(), copies_.end(), [&](const Copy& copy) {
            const std::size_t size = copy.seen.size();
            return shares(to, copy.to, size) || shares(to, copy.from, size) || shares(from, copy.to, size);
          }))
        finish();
    }
    void enqueue(void* to, const void* from, std::vector<std::byte> seen) {
      const Access access;
      std::memset(to, static_cast<int>(poison), seen.size());
      copies_.push_back({to, from, std::move(seen)});
    }
    void finish() {
      if (!make_copies())
        throw std::logic_error("the source of a copy beside the work was written before it was copied");
    }
    /// Returns whether no source was written.
    bool make_copies() {
      const Access access;
      bool is_right = true;
      for (const Copy& copy : std::exchange(copies_, {})) {
        is_right = is_right && std::memcmp(copy.from, copy.seen.data(), copy.seen.size()) == 0;
        std::memcpy(copy.to, copy.from, copy.seen.size());
      }
      return is_right;
    }

    EmulatedDevice& device_;
    std::vector<std::byte> image_;
    std::vector<Copy> copies_;
  };
  CopyLane copy_lane() { return CopyLane(*this); }

  template <class F>
  void each(Index count, const F& f) {
    require_no_host_address(f);
    const Access access;
    ++launches;
    // In reverse: code must not rely on an order.
    for (Index i = count; i-- > 0;) f(i);
  }
  template <class F>
  void cells(Index row_count, Index cols, const F& f) {
    require_no_host_address(f);
    const Access access;
    ++launches;
    for (Index r = row_count; r-- > 0;)
      for (Index c = cols; c-- > 0;) f(r, c);
  }
  template <class F>
  void rows(Index count, const F& f) {
    require_no_host_address(f);
    const Access access;
    ++launches;
    if constexpr (std::is_same_v<Team, TeamOfOne>) {
      for (Index r = count; r-- > 0;) f(r, TeamOfOne{});
    } else {
      Warp warp(Team::lanes);
      for (Index r = count; r-- > 0;) warp.run([&](int lane) { f(r, Team{&warp, lane}); });
    }
  }

  /// Runs Thrust's algorithms on the host, with the device memory accessible.
  struct Policy : thrust::cpp::execution_policy<Policy> {
    Access access;
  };
  Policy policy() {
    ++launches;
    return {};
  }

  int begin_tasks(Index) { return 3; }
  template <class In, class Out>
  void gemm(int lane, const gpu::Gemm<In, Out>& task) {
    if (fail_products_after >= 0 && fail_products_after-- == 0) throw std::runtime_error("a product is refused");
    ++products;
    tasks_[lane].push_back([task] { product(task); });
    touch(task.a, task.transpose_a ? task.m : task.k, task.transpose_a ? task.k : task.m, task.lda, false);
    touch(task.b, task.transpose_b ? task.k : task.n, task.transpose_b ? task.n : task.k, task.ldb, false);
    touch(task.c, task.n, task.m, task.ldc, true);
  }
  template <class In, class Out>
  void gemm_batch(ListView<gpu::Gemm<In, Out>> tasks) {
    ++batches;
    for (const auto& task : tasks) {
      if (!task.has_shape_of(tasks[0])) throw std::logic_error("a batch of several shapes");
      gemm(0, task);
    }
  }
  /// Throws std::logic_error if one of the products writes what another one reads or writes.
  void end_tasks() {
    auto touched = std::exchange(touched_, {});
    run_tasks();
    require_independence(touched);
  }

  /// Runs the enqueued tasks before anything else.
  void abandon_tasks() noexcept {
    touched_.clear();
    run_tasks();
    ++abandoned;
  }

  /// Number of further products that are accepted; below 0: all.
  long fail_products_after = -1;
  /// Number of products that were enqueued, and of batches of them.
  long products = 0, batches = 0;
  /// Value of `products` when the host waited last.
  long products_before_wait = 0;
  /// Number of calls of abandon_tasks().
  long abandoned = 0;
  /// Since construction: number of functions that ran, of times that the host waited, and of uploads.
  long launches = 0, waits = 0, uploads = 0;

 private:
  static void require_side(const void* place, bool on_device) {
    if (DeviceMemory::get().owns(place) != on_device) throw std::logic_error("memory of the wrong side");
  }
  /// A range of bytes that a product reads or writes.
  struct Touched {
    const std::byte *begin, *end;
    bool is_written;
  };
  /// `lines` runs of `length` values, `stride` values apart.
  template <class Value>
  void touch(const Value* values, Index lines, Index length, Index stride, bool is_written) {
    if (lines == 0 || length == 0) return;
    if (stride == length) length *= std::exchange(lines, 1);
    for (Index i = 0; i < lines; ++i) {
      const auto* begin = reinterpret_cast<const std::byte*>(values + i * stride);
      touched_.push_back({begin, begin + static_cast<std::size_t>(length) * sizeof(Value), is_written});
    }
  }
  static void require_independence(std::vector<Touched>& touched) {
    std::sort(touched.begin(), touched.end(), [](const Touched& a, const Touched& b) { return a.begin < b.begin; });
    // The ends of the ranges so far, of those that are written and of all.
    const std::byte *written = nullptr, *any = nullptr;
    for (const Touched& range : touched) {
      if (range.begin < (range.is_written ? any : written))
        throw std::logic_error("an independent product writes what another one reads or writes");
      any = (std::max)(any, range.end);
      if (range.is_written) written = (std::max)(written, range.end);
    }
  }
  void run_tasks() {
    const Access access;
    for (int lane = 2; lane >= 0; --lane) {
      for (const auto& task : tasks_[lane]) ++launches, task();
      tasks_[lane].clear();
    }
  }
  template <class In, class Out>
  static void product(const gpu::Gemm<In, Out>& t) {
    const In *a = t.a, *b = t.b;
    Out* c = t.c;
    for (Index j = 0; j < t.n; ++j)
      for (Index i = 0; i < t.m; ++i) {
        Accum<In> sum = t.adds ? static_cast<Accum<In>>(static_cast<Accum<Out>>(c[j * t.ldc + i])) : Accum<In>(0);
        for (Index k = 0; k < t.k; ++k)
          sum += static_cast<Accum<In>>(t.transpose_a ? a[i * t.lda + k] : a[k * t.lda + i]) *
                 static_cast<Accum<In>>(t.transpose_b ? b[k * t.ldb + j] : b[j * t.ldb + k]);
        c[j * t.ldc + i] = static_cast<Out>(sum);
      }
  }

  std::vector<std::function<void()>> tasks_[3];
  std::vector<Touched> touched_;
  /// Number of asynchronous copies to the host that were started, and of those that have finished.
  long copies_ = 0, arrived_ = 0;
  Stream stream_;
};

/// One thread processes a row.
using Emulated = Accelerator<EmulatedDevice<TeamOfOne>>;
/// Several lanes that exchange values process a row.
using EmulatedWarps = Accelerator<EmulatedDevice<EmulatedTeam>>;

/// Sets the number of lanes for the lifetime of the object.
struct WithLanes {
  explicit WithLanes(int lanes) : before(std::exchange(EmulatedTeam::lanes, lanes)) {}
  WithLanes(const WithLanes&) = delete;
  WithLanes& operator=(const WithLanes&) = delete;
  ~WithLanes() { EmulatedTeam::lanes = before; }
  int before;
};

static_assert(check_backend<Emulated, float, double, BFloat16>());
static_assert(check_backend<EmulatedWarps, float, double, BFloat16>());

}  // namespace moe::testing
