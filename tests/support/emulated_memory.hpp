/// The memory of emulated devices: accessible only while one of their functions runs, of a capacity that can be set.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <new>
#include <stdexcept>
#include <vector>

#include "moe/backend/cuda/errors.cuh"

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
    if (is_refused() || live_bytes_ + size > capacity)
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
  /// Whether this request, of device memory or of pinned memory, is the one that fails.
  bool is_refused() { return fail_after >= 0 && fail_after-- == 0; }
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
#ifdef __SANITIZE_ADDRESS__
    // Below is AddressSanitizer's shadow, to which two small numbers of 32 bits would point.
    constexpr std::uintptr_t begin = 0x10007fff8000;
#else
    const std::uintptr_t begin = page;
#endif
    constexpr std::uintptr_t end = std::uintptr_t{1} << 47;
    unsigned char resident = 0;
    return word >= begin && word < end && !owns(reinterpret_cast<const void*>(word)) &&
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

}  // namespace moe::testing
