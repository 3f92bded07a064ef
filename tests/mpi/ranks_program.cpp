// A program of several ranks for the tests in this folder, which start it with mpirun:
//
//   mpi_ranks CASE [NUMBER...]
//
// Every rank prints what it found. An error ends all ranks with exit code 5, as a program's main() should.
#include <fcntl.h>
#include <mpi.h>
#include <sys/file.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks_over.hpp"
#include "moe/mpi.hpp"
#include "scale/comm_checks.hpp"

namespace {

using moe::Index;
using moe::MpiComm;
using namespace std::chrono_literals;

std::vector<long> numbers;

void require_that(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}
void pass(const MpiComm& comm) { std::printf("rank %d of %d passed\n", comm.rank(), comm.size()); }
/// Begins the time that a test measures: the start of MPI takes seconds on a busy machine.
void announce_fault() { std::fprintf(stderr, "fault now\n"); }
void run_checks(MpiComm& comm) {
  for (const auto& check : moe::testing::list_of_comm_checks<MpiComm>()) check.run(comm);
}
/// A program that goes on for longer than a test: `act` is called before exchange number `at` on rank `who`.
void exchange_for_long(MpiComm comm, long who, long at, const std::function<void()>& act) {
  const auto ranks = moe::ranks_over<moe::Cpu<>>(comm);
  const moe::CpuContext context{.threads = 1};
  const std::vector<Index> sizes(static_cast<std::size_t>(comm.size()), 4000);
  std::vector<char> from(4000 * sizes.size()), to(from.size());
  for (long i = 1; i < 100'000; ++i) {
    if (comm.rank() == who && i == at) {
      announce_fault();
      act();
    }
    ranks->announce({"forward", 3});
    ranks->all_to_all_v(context, from.data(), sizes, to.data(), sizes);
    std::this_thread::sleep_for(1ms);
  }
}

/// The list of checks; one number: the longest message in bytes.
void checks(MpiComm comm) {
  run_checks(comm);
  pass(comm);
}
/// Rank 0 sends 8 bytes; the number is what the others expect.
void sizes(MpiComm comm) {
  const Index expected = numbers.at(0);
  std::vector<char> data(64);
  std::vector<Index> to(static_cast<std::size_t>(comm.size())), from(to.size());
  if (comm.rank() == 0) to[1] = 8;
  if (comm.rank() == 1) from[0] = expected;
  comm.set_timeout(2s);
  comm.all_to_all_v(data.data(), to, data.data() + 32, from, {});
  comm.barrier();
  pass(comm);
}
void throws(MpiComm comm) {
  exchange_for_long(comm, numbers.at(0), numbers.at(1), [] { throw std::runtime_error("the disk is full"); });
}
void is_killed(MpiComm comm) {
  exchange_for_long(comm, numbers.at(0), numbers.at(1), [] { std::raise(SIGKILL); });
}
/// The last number: milliseconds to wait for.
void is_stopped(MpiComm comm) {
  comm.set_timeout(std::chrono::milliseconds(numbers.at(2)));
  exchange_for_long(comm, numbers.at(0), numbers.at(1), [] { std::raise(SIGSTOP); });
}
/// Ranks at different places.
void places(MpiComm comm) {
  const auto ranks = moe::ranks_over<moe::Cpu<>>(comm);
  ranks->announce({"forward", 3});
  ranks->announce(comm.rank() == 0 ? moe::Site{"forward", 4} : moe::Site{"backward", 3});
}
/// A call after an error.
void after(MpiComm comm) {
  try {
    moe::testing::check_timeout(comm);
    if (comm.rank() == 0) std::this_thread::sleep_for(60s);
    announce_fault();
    comm.barrier();
  } catch (const moe::CommError& error) {
    std::printf("%s\n", error.what());
    comm.abort(6);
  }
}
/// Abort of a group ends the other one too.
void group(MpiComm comm) {
  MpiComm part = comm.split(comm.rank() % 2, 0);
  if (comm.rank() == 1) {
    announce_fault();
    part.abort(8);
  }
  exchange_for_long(part, -1, 0, [] {});
}
void thread(MpiComm comm) {
  std::string text;
  std::thread([&] {
    try {
      comm.barrier();
    } catch (const moe::Error& error) {
      text = error.what();
    }
  }).join();
  require_that(text.find("the thread that made an engine must make all its calls") != std::string::npos, text);
  comm.barrier();
  pass(comm);
}
void arguments(MpiComm comm) {
  const std::vector<Index> none, negative(static_cast<std::size_t>(comm.size()), -1);
  const std::vector<std::pair<std::string, std::function<void()>>> wrong{
      {"one size for each", [&] { comm.all_gather_v(nullptr, none, nullptr); }},
      {"sizes must be 0 or more", [&] { comm.all_gather_v(nullptr, negative, nullptr); }},
      {"root must be a rank", [&] { comm.broadcast(nullptr, 0, comm.size()); }},
      {"color must be 0 or greater", [&] { comm.split(-1, 0); }},
      {"a timeout must be 0", [&] { comm.set_timeout(-1ms); }},
      {"message_bytes must be in [1, 2^30], got 0", [] { MpiComm({.message_bytes = 0}); }},
  };
  for (const auto& [text, call] : wrong) {
    std::string error;
    try {
      call();
    } catch (const moe::Error& thrown) {
      error = thrown.what();
    }
    require_that(error.find(text) != std::string::npos, "expected '" + text + "', got '" + error + "'");
  }
  comm.barrier();
  pass(comm);
}

const std::map<std::string, void (*)(MpiComm)> cases{
    {"checks", checks}, {"sizes", sizes}, {"throws", throws}, {"is_killed", is_killed}, {"is_stopped", is_stopped},
    {"places", places}, {"after", after}, {"group", group},   {"thread", thread},       {"arguments", arguments}};

/// An exception leaves the scope of the engine, and the program ends without abort().
int unwind() {
  try {
    MpiComm comm;
    comm.barrier();
    if (comm.rank() == 1) {
      announce_fault();
      throw std::runtime_error("the disk is full");
    }
    exchange_for_long(comm, -1, 0, [] {});
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 9;
  }
  return 0;
}
/// A second engine after the last one.
int again() {
  MpiComm().barrier();
  MpiComm().barrier();
  return 0;
}
/// A program that uses MPI itself, initialized for threads or not.
int own_mpi(bool with_threads) {
  int threads = 0;
  if (with_threads)
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads);
  else
    MPI_Init(nullptr, nullptr);
  {
    MpiComm comm;
    run_checks(comm);
    pass(comm);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  return MPI_Finalize();
}
/// Without a launcher MPI is not called.
int alone() {
  MpiComm comm;
  run_checks(comm);
  int is_initialized = 0;
  MPI_Initialized(&is_initialized);
  require_that(is_initialized == 0, "MPI was initialized without a launcher");
  pass(comm);
  if (!numbers.empty()) comm.abort(static_cast<int>(numbers[0]));
  return 0;
}

int run(const std::string& name) {
  if (name == "unwind") return unwind();
  if (name == "again") return again();
  if (name == "own_mpi") return own_mpi(true);
  if (name == "own_mpi_of_one_thread") return own_mpi(false);
  if (name == "alone") return alone();
  moe::MpiSettings settings;
  settings.timeout = 20s;
  if (name == "checks" && !numbers.empty()) settings.message_bytes = numbers[0];
  MpiComm comm(settings);
  try {
    cases.at(name)(comm);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", comm.rank(), error.what());
    comm.abort(5);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  // Tells the test whether this process is gone.
  if (const char* lock = std::getenv("MOE_RANKS_LOCK")) flock(open(lock, O_RDONLY | O_CLOEXEC), LOCK_SH);
  for (int i = 2; i < count; ++i) numbers.push_back(std::atol(arguments[i]));
  try {
    return run(count > 1 ? arguments[1] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
