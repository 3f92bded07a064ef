#include "moe/backend/cpu/pool.hpp"

#include <cstdint>
#include <set>
#include <thread>
#include <type_traits>

#include "support/catch.hpp"

namespace pool_test {

using namespace moe;

namespace {
struct Context {
  std::shared_ptr<cpu::Pool> pool = std::make_shared<cpu::Pool>();
};
using Doubles = cpu::Buffer<double>;
static_assert(!std::is_copy_constructible_v<Doubles> && std::is_nothrow_move_constructible_v<Doubles>);
}  // namespace

TEST_CASE("a freed block serves the next request of its size class", "[cpu]") {
  const Context context;
  const double* first = nullptr;
  {
    Doubles a(context, 1000);
    first = a.data();
  }
  Doubles b(context, 1000);
  CHECK(b.data() == first);
  const Doubles c(context, 1000);
  CHECK(c.data() != first);
  b = Doubles(context, 3);
  CHECK(Doubles(context, 999).data() == first);
}

TEST_CASE("the second step of a training run allocates no memory from the system", "[cpu]") {
  const Context context;
  const auto step = [&] {
    std::set<const double*> blocks;
    std::vector<Doubles> held;
    for (const Index count : {100, 5000, 100, 64, 300000}) {
      held.emplace_back(context, count);
      blocks.insert(held.back().data());
    }
    return blocks;
  };
  const auto first = step();
  CHECK(first.size() == 5);
  CHECK(step() == first);
}

TEST_CASE("a pool reports the blocks and bytes that it keeps", "[cpu]") {
  cpu::Pool pool;
  std::vector<std::pair<void*, std::size_t>> taken;
  Index bytes = 0;
  for (const std::size_t wanted :
       std::initializer_list<std::size_t>{1, 64, 65, 511, 512, 513, 1000, 1024, 1025, 4095, 5000, 1 << 20}) {
    const std::size_t size = cpu::Pool::size_class(wanted);
    taken.emplace_back(pool.take(size), size);
    bytes += static_cast<Index>(size);
  }
  CHECK(pool.kept().blocks == 0);
  for (const auto& [block, size] : taken) pool.give(block, size);
  CHECK(pool.kept().blocks == 12);
  CHECK(pool.kept().bytes == bytes);
  // Of two blocks of one class, the one returned last is reused first; no class reuses the blocks of another.
  for (auto other = taken.rbegin(); other != taken.rend(); ++other) {
    INFO(other->second << " bytes");
    CHECK(pool.take(other->second) == other->first);
  }
  CHECK(pool.kept().blocks == 0);
  CHECK(pool.kept().bytes == 0);
  for (const auto& [block, size] : taken) pool.give(block, size);
}

TEST_CASE("a size class wastes at most an eighth, or a cache line", "[cpu]") {
  for (std::size_t bytes = 1; bytes < 100000; bytes += 37) {
    const std::size_t size = cpu::Pool::size_class(bytes);
    CHECK(size >= bytes);
    CHECK(size - bytes <= std::max<std::size_t>(64, bytes / 8));
    CHECK(cpu::Pool::size_class(size) == size);
  }
}

TEST_CASE("blocks start on cache lines", "[cpu]") {
  const Context context;
  for (const Index count : {1, 3, 1000})
    for (int i = 0; i < 3; ++i) {
      const Doubles pooled(context, count), own(count);
      CHECK(reinterpret_cast<std::uintptr_t>(pooled.data()) % 64 == 0);
      CHECK(reinterpret_cast<std::uintptr_t>(own.data()) % 64 == 0);
    }
}

TEST_CASE("an empty buffer has no memory and can be used", "[cpu]") {
  const Context context;
  Doubles none(context, 0);
  CHECK(none.data() == nullptr);
  none.fill_zero();
  CHECK(none.copy().data() == nullptr);
  Doubles moved = std::move(none);
  CHECK(moved.data() == nullptr);
}

TEST_CASE("a buffer outlives the context that it came from", "[cpu]") {
  Doubles buffer;
  {
    const Context context;
    buffer = Doubles(context, 10);
    buffer.data()[9] = 4;
  }
  const Doubles copy = buffer.copy();
  CHECK(copy.data()[9] == 4);
}

TEST_CASE("a request that exceeds the memory throws bad_alloc", "[cpu]") {
  const Context context;
  CHECK_THROWS_AS(Doubles(context, Index{1} << 62), std::bad_alloc);
  CHECK(Doubles(context, 8).data() != nullptr);
}

TEST_CASE("threads may share a pool", "[cpu]") {
  const Context context;
  const auto work = [&](double mark) {
    for (int i = 0; i < 2000; ++i) {
      Doubles a(context, 16), b(context, 16);
      a.data()[0] = mark;
      b.data()[0] = -mark;
      if (a.data()[0] != mark || b.data()[0] != -mark) return false;
    }
    return true;
  };
  bool other = false;
  std::thread thread([&] { other = work(1); });
  CHECK(work(2));
  thread.join();
  CHECK(other);
}

}  // namespace pool_test
