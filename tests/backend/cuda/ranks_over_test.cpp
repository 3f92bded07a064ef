/// Ranks over an engine of device memory, such as NCCL.
#include "moe/comm/ranks_over.hpp"

#include "backend/cuda/on_device.hpp"
#include "moe/comm/local_comm.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace ranks_over_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

/// One rank, whose engine copies within the device and counts.
struct EngineOfDevice {
  using Stream = int;
  static constexpr bool on_device = true;
  struct Counts {
    int on_host = 0;
    std::vector<int> streams;
  };

  int rank() const { return 0; }
  int size() const { return 1; }
  LocalComm& host() {
    ++counts->on_host;
    return alone;
  }
  void all_to_all_v(const void* from, ListView<Index> bytes_to, void* to, ListView<Index> bytes_from, Stream stream) {
    counts->streams.push_back(stream);
    const A::Device::Access access;
    alone.all_to_all_v(from, bytes_to, to, bytes_from, {});
  }
  void all_gather_v(const void* from, ListView<Index> bytes, void* to, Stream stream) {
    counts->streams.push_back(stream);
    const A::Device::Access access;
    alone.all_gather_v(from, bytes, to, {});
  }
  void broadcast(void*, Index, int, Stream stream) { counts->streams.push_back(stream); }
  void barrier() {}
  void set_timeout(std::chrono::milliseconds) {}
  void abort(int) {}
  EngineOfDevice split(int, int) { return *this; }

  Counts* counts;
  LocalComm alone{};
};

}  // namespace

TEST_CASE("an engine of the device moves data in the context's stream, its host what is on the host", "[accelerator]") {
  EngineOfDevice::Counts counts;
  const auto ranks = ranks_over<A>(EngineOfDevice{&counts});
  const A::Context context(7);
  Index answer = 0;
  ranks->announce({"rows"}, {41}, 1, &answer);
  CHECK(answer == 41);
  const std::vector<float> values{1, 2, 3};
  Matrix<float, A> from(1, 3), to(1, 3), gathered(1, 3);
  A::upload<float>(context, values.data(), from.view());
  const Index bytes = 3 * static_cast<Index>(sizeof(float));
  ranks->all_to_all_v(context, from.data(), {bytes}, to.data(), {bytes});
  ranks->all_gather_v(context, to.data(), {bytes}, gathered.data());
  ranks->broadcast(context, gathered.data(), bytes, 0);
  std::vector<float> back(3);
  A::download<float>(context, gathered.view(), back.data());
  CHECK(back == values);
  CHECK(counts.streams == std::vector<int>{7, 7, 7});
  CHECK(counts.on_host == 1);
  CHECK(ranks->gather({"record"}, {}).size() == 1);
  CHECK(counts.on_host == 3);
}

}  // namespace ranks_over_test
