/// An emulated device that needs no GPU. Its memory is accessible only while one of its functions runs, so that a read
/// or write by the host is fatal, as on a GPU; a function that refers to memory of the host is an error; independent
/// products run in another order than they were enqueued, and those that are not independent are an error. Its memory
/// has a capacity; copies beside the work are made as late as is allowed. The decisions and results of Accelerator can
/// thus be tested on every machine.
#pragma once

#include <sys/mman.h>
#include <thrust/system/cpp/execution_policy.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/cuda/accelerator.cuh"
#include "moe/backend/cuda/out_of_memory.cuh"
#include "moe/core/team.hpp"

namespace moe::testing {

/// What memory holds whose contents are arbitrary.
inline constexpr std::byte poison{0xA5};

/// The memory of all emulated devices.
class DeviceMemory {
 public:
  static DeviceMemory& get() {
    static DeviceMemory memory;
    return memory;
  }
  /// The memory is accessible while an object of this type exists.
  class Access {
   public:
    Access() { get().open(); }
    Access(const Access&) { get().open(); }
    Access& operator=(const Access&) = delete;
    ~Access() { get().close(); }
  };

  void* take(std::size_t bytes) {
    const std::size_t size = (std::max<std::size_t>(bytes, 1) + 255) / 256 * 256;
    if ((fail_after >= 0 && fail_after-- == 0) || live_bytes_ + size > capacity)
      throw DeviceOutOfMemory(bytes, capacity - (std::min)(live_bytes_, capacity), capacity);
    // The lowest gap that is large enough: few addresses are used, and opening them takes time.
    auto gap = std::find_if(free_.begin(), free_.end(), [size](const auto& free) { return free.second >= size; });
    if (gap == free_.end()) {
      if (used_ + size > reserved) throw std::logic_error("the addresses of the emulated device are used up");
      gap = free_.emplace(base_ + used_, size).first;
      used_ += size;
    }
    const auto [block, length] = *gap;
    free_.erase(gap);
    if (length > size) free_.emplace(block + size, length - size);
    sizes_[block] = size;
    live_bytes_ += size;
    peak_bytes_ = (std::max)(peak_bytes_, live_bytes_);
    // Code must not rely on the contents of new memory.
    const Access access;
    std::memset(block, static_cast<int>(poison), size);
    return block;
  }
  void give(void* block) noexcept {
    const auto found = sizes_.find(static_cast<std::byte*>(block));
    live_bytes_ -= found->second;
    auto gap = free_.insert(*found).first;
    sizes_.erase(found);
    const auto next = std::next(gap);
    if (next != free_.end() && gap->first + gap->second == next->first) {
      gap->second += next->second;
      free_.erase(next);
    }
    if (gap == free_.begin()) return;
    const auto before = std::prev(gap);
    if (before->first + before->second == gap->first) {
      before->second += gap->second;
      free_.erase(gap);
    }
  }
  bool owns(const void* place) const {
    const auto* byte = static_cast<const std::byte*>(place);
    return byte >= base_ && byte < base_ + reserved;
  }
  /// Number of bytes before the place.
  std::size_t offset_of(const void* place) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(place) - base_);
  }
  /// A copy of all memory that was ever used.
  std::vector<std::byte> image() {
    const Access access;
    return {base_, base_ + used_};
  }
  /// Whether the word is an address of mapped memory that is not the device's.
  bool is_host_address(std::uintptr_t word) const {
    static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    constexpr std::uintptr_t end = std::uintptr_t{1} << 47;
    unsigned char resident = 0;
    return word >= page && word < end && !owns(reinterpret_cast<const void*>(word)) &&
           mincore(reinterpret_cast<void*>(word / page * page), page, &resident) == 0;
  }

  /// Whether the memory is inaccessible: tested with a system call, which fails where a direct access would be fatal.
  bool is_closed() const {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    const bool refused = write(ends[1], base_, 1) < 0;
    close_ends(ends);
    return refused;
  }

  /// Number of blocks that are allocated.
  std::size_t live() const { return sizes_.size(); }
  /// Bytes of the allocated blocks, each a multiple of 256.
  std::size_t live_bytes() const { return live_bytes_; }
  /// Largest value of live_bytes() since the start or the last forget_peak().
  std::size_t peak_bytes() const { return peak_bytes_; }
  void forget_peak() { peak_bytes_ = live_bytes_; }
  /// Bytes of addresses that were ever used.
  std::size_t used() const { return used_; }
  /// Number of further allocations that succeed before one fails; below 0: all.
  long fail_after = -1;
  /// Bytes that may be allocated at once.
  std::size_t capacity = std::size_t{256} << 20;

 private:
  /// More addresses than capacity, because of gaps.
  static constexpr std::size_t reserved = std::size_t{16} << 30;

  DeviceMemory()
      : base_(static_cast<std::byte*>(
            mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (base_ == MAP_FAILED) throw std::runtime_error("no addresses for the emulated device");
  }
  static void close_ends(const int (&ends)[2]) {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void open() {
    if (opened_++ == 0) mprotect(base_, (used_ + 4095) / 4096 * 4096, PROT_READ | PROT_WRITE);
  }
  void close() {
    if (--opened_ == 0) mprotect(base_, (used_ + 4095) / 4096 * 4096, PROT_NONE);
  }

  std::byte* base_;
  std::size_t used_ = 0, live_bytes_ = 0, peak_bytes_ = 0;
  int opened_ = 0;
  /// The gaps between the allocated blocks, no two of them adjacent, and these blocks; with their sizes.
  std::map<std::byte*, std::size_t> free_, sizes_;
};

/// Whether functions that refer to memory of the host are found: this needs a compiler that clears padding, which holds
/// arbitrary words.
#if __has_builtin(__builtin_clear_padding)
inline constexpr bool finds_host_addresses = true;
#else
inline constexpr bool finds_host_addresses = false;
#endif

/// Throws std::logic_error if a word of the function is an address of host memory: a pointer, a view or a reference
/// that a GPU could not follow.
template <class F>
void require_no_host_address([[maybe_unused]] const F& f) {
#if __has_builtin(__builtin_clear_padding)
  using Word = std::uintptr_t;
  constexpr std::size_t words = (sizeof(F) + sizeof(Word) - 1) / sizeof(Word);
  alignas((std::max)(alignof(F), alignof(Word))) std::byte bytes[words * sizeof(Word)] = {};
  __builtin_clear_padding(new (bytes) F(f));
  for (std::size_t i = 0; i < words; ++i) {
    Word word;
    std::memcpy(&word, bytes + i * sizeof(Word), sizeof(Word));
    if (DeviceMemory::get().is_host_address(word))
      throw std::logic_error("a function for the device refers to memory of the host");
  }
#endif
}

/// Lanes that run concurrently and exchange values, like those of a warp: each has its own stack and is switched at the
/// points where all lanes meet.
class Warp {
 public:
  explicit Warp(int lanes) : lanes_(lanes) {}

  int lanes() const { return lanes_; }
  /// Calls f(lane) on every lane.
  template <class F>
  void run(const F& f) {
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

template <class Team_>
class EmulatedDevice {
 public:
  using Team = Team_;
  using Stream = int;
  using Access = DeviceMemory::Access;

  explicit EmulatedDevice(Stream) {}

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
  }
  void to_host(void* to, const void* from, std::size_t stride, std::size_t row, Index rows) {
    const Access access;
    require_side(to, false);
    require_side(from, true);
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r)
      std::memcpy(static_cast<char*>(to) + r * row, static_cast<const char*>(from) + r * stride, row);
    ++waits;
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
    explicit PinnedMemory(std::size_t bytes) : bytes_(bytes, poison) { all().insert(this); }
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
  /// copy reads must be the same from the moment at which the copy may begin until it is made.
  class CopyLane {
   public:
    explicit CopyLane(EmulatedDevice& device) : device_(device) { after_work(); }
    CopyLane(const CopyLane&) = delete;
    CopyLane& operator=(const CopyLane&) = delete;
    ~CopyLane() { make_copies(); }

    void after_work() { image_ = DeviceMemory::get().image(); }
    void copy_in(void* to, const void* from, std::size_t bytes) {
      require_sides(to, from, bytes);
      const auto* values = static_cast<const std::byte*>(from);
      enqueue(to, from, {values, values + bytes});
    }
    void copy_out(void* to, const void* from, std::size_t bytes) {
      require_sides(from, to, bytes);
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
  /// Since construction: number of functions that ran, and number of times the host waited.
  long launches = 0, waits = 0;

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
