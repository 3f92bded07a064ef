/// Time of one exchange between processes, as a layer with spread experts makes it: counts, then rows. MpiComm is
/// compared with the blocking calls MPI_Alltoall and MPI_Alltoallv.
///
///   mpirun -n 4 moe_exchange_bench [SAMPLES]
///
/// Prints a table in Markdown: medians over the samples (9) of the slowest rank's time. The two are measured in turn.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <numeric>
#include <vector>

#include "moe/core/index.hpp"
#include "moe/mpi.hpp"

namespace {

using moe::Index;

/// Numbers that go to every rank before the rows: those of an announcement.
constexpr int counts = 32;
/// Bytes of a row: 1,024 floats.
constexpr Index row_bytes = 4096;

/// Rows from every rank to every rank in equal parts, and the memory for them.
struct Rows {
  explicit Rows(Index rows, int ranks)
      : bytes(static_cast<std::size_t>(ranks), rows / ranks * row_bytes),
        lengths(bytes.begin(), bytes.end()),
        starts(bytes.size()),
        from(static_cast<std::size_t>(rows / ranks * row_bytes * ranks), 'a'),
        to(from.size()) {
    std::exclusive_scan(lengths.begin(), lengths.end(), starts.begin(), 0);
  }
  std::vector<Index> bytes;
  std::vector<int> lengths, starts;
  std::vector<char> from, to;
};

/// Microseconds of a call on the slowest rank, as the mean over `repeats`.
double time_of(const std::function<void()>& call, int repeats) {
  MPI_Barrier(MPI_COMM_WORLD);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < repeats; ++i) call();
  const double mine =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / repeats;
  double slowest = 0;
  MPI_Allreduce(&mine, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return slowest;
}
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(moe::MpiComm& comm, int samples) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<Index> numbers(ranks * counts), others(numbers.size());
  const std::vector<Index> bytes(ranks, counts * static_cast<Index>(sizeof(Index)));
  if (comm.rank() == 0)
    std::printf("| ranks | rows a rank | MpiComm, us | blocking calls, us | ratio |\n|---|---|---|---|---|\n");
  for (const Index count : {16, 256, 4096}) {
    Rows rows(count, comm.size());
    const auto polls = [&] {
      comm.all_to_all_v(numbers.data(), bytes, others.data(), bytes);
      comm.all_to_all_v(rows.from.data(), rows.bytes, rows.to.data(), rows.bytes);
    };
    const auto blocks = [&] {
      MPI_Alltoall(numbers.data(), counts, MPI_INT64_T, others.data(), counts, MPI_INT64_T, MPI_COMM_WORLD);
      MPI_Alltoallv(rows.from.data(), rows.lengths.data(), rows.starts.data(), MPI_BYTE, rows.to.data(),
                    rows.lengths.data(), rows.starts.data(), MPI_BYTE, MPI_COMM_WORLD);
    };
    const int repeats = count > 1000 ? 5 : 50;
    std::array<std::vector<double>, 2> times;
    for (int i = -1; i < samples; ++i) {
      const std::array<double, 2> pair{time_of(polls, repeats), time_of(blocks, repeats)};
      if (i < 0) continue;  // the first touches the memory
      for (std::size_t j = 0; j < 2; ++j) times[j].push_back(pair[j]);
    }
    const double polled = median(times[0]), blocked = median(times[1]);
    if (comm.rank() == 0)
      std::printf("| %d | %d | %.0f | %.0f | %.2f |\n", comm.size(), int(count), polled, blocked, polled / blocked);
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    moe::MpiComm comm;
    if (comm.size() == 1) {
      std::fprintf(stderr, "start several ranks: mpirun -n 4 %s\n", arguments[0]);
      return 2;
    }
    try {
      measure(comm, argument_count > 1 ? std::max(1, std::atoi(arguments[1])) : 9);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "rank %d: %s\n", comm.rank(), error.what());
      comm.abort(1);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
