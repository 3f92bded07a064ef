#include "allocation/counting_allocator.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <thread>

extern "C" {
void* __real_malloc(std::size_t bytes);
void __real_free(void* block);
}

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max() / 2;

std::atomic<std::int64_t> blocks{0}, bytes_out{0}, news{0}, mallocs{0};
/// Requests until the first refusal; 0 and below after it.
std::atomic<std::int64_t> granted{never};
std::atomic<bool> refuse_all{false}, happened_{false}, spare_owner{false};
std::atomic<std::thread::id> owner{};

bool refused() {
  if (granted.load() == never || (spare_owner && std::this_thread::get_id() == owner.load())) return false;
  const std::int64_t left = --granted;
  if (left > 0 || (left < 0 && !refuse_all)) return false;
  happened_ = true;
  return true;
}

/// In front of every block: where the system's block begins, and its size.
struct Header {
  void* block;
  std::size_t bytes;
};

void* take(std::size_t bytes, std::size_t alignment) noexcept {
  if (refused()) return nullptr;
  alignment = std::max(alignment, alignof(std::max_align_t));
  void* const block = __real_malloc(bytes + sizeof(Header) + alignment);
  if (block == nullptr) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(block) + sizeof(Header);
  char* const data = static_cast<char*>(block) + sizeof(Header) + (alignment - begin % alignment) % alignment;
  ::new (data - sizeof(Header)) Header{block, bytes};
  ++blocks;
  bytes_out += static_cast<std::int64_t>(bytes);
  return data;
}
void* take_new(std::size_t bytes, std::size_t alignment) noexcept {
  ++news;
  return take(bytes, alignment);
}
void* take_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* block = take_new(bytes, alignment)) return block;
  throw std::bad_alloc();
}
void give(void* data) noexcept {
  if (data == nullptr) return;
  const Header header = *reinterpret_cast<Header*>(static_cast<char*>(data) - sizeof(Header));
  --blocks;
  bytes_out -= static_cast<std::int64_t>(header.bytes);
  __real_free(header.block);
}

std::size_t size(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }

}  // namespace

// The objects of this program call these instead of malloc and free. Allocations inside the system's libraries are not
// counted.
extern "C" void* __wrap_malloc(std::size_t bytes) {
  ++mallocs;
  return take(bytes, 1);
}
extern "C" void __wrap_free(void* data) { give(data); }

void* operator new(std::size_t n) { return take_or_throw(n, 1); }
void* operator new[](std::size_t n) { return take_or_throw(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take_or_throw(n, size(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return take_or_throw(n, size(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return take_new(n, 1); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return take_new(n, 1); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return take_new(n, size(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return take_new(n, size(a)); }
void operator delete(void* data) noexcept { give(data); }
void operator delete[](void* data) noexcept { give(data); }
void operator delete(void* data, std::size_t) noexcept { give(data); }
void operator delete[](void* data, std::size_t) noexcept { give(data); }
void operator delete(void* data, std::align_val_t) noexcept { give(data); }
void operator delete[](void* data, std::align_val_t) noexcept { give(data); }
void operator delete(void* data, std::size_t, std::align_val_t) noexcept { give(data); }
void operator delete[](void* data, std::size_t, std::align_val_t) noexcept { give(data); }
void operator delete(void* data, const std::nothrow_t&) noexcept { give(data); }
void operator delete[](void* data, const std::nothrow_t&) noexcept { give(data); }
void operator delete(void* data, std::align_val_t, const std::nothrow_t&) noexcept { give(data); }
void operator delete[](void* data, std::align_val_t, const std::nothrow_t&) noexcept { give(data); }

namespace moe::testing {

Allocated allocated() { return {blocks, bytes_out, news, mallocs}; }

Refuse::Refuse(std::int64_t nth, Refusals refusals, Asking asking) {
  happened_ = false;
  refuse_all = refusals == Refusals::all;
  spare_owner = asking == Asking::helpers;
  owner = std::this_thread::get_id();
  granted = nth;
}
Refuse::~Refuse() { granted = never; }
bool Refuse::happened() const { return happened_; }

}  // namespace moe::testing
