#include "multipl_moe/sandbox/limits.hpp"

#include "support/catch.hpp"

namespace limits_test {

using namespace multipl_moe::sandbox;

TEST_CASE("a limit is exceeded by the first value above it", "[sandbox]") {
  Limits limits;
  limits.cpu_seconds = 2;
  limits.wall_seconds = 6;
  limits.memory_bytes = 1000;
  limits.file_bytes = 100;
  limits.output_bytes = 50;
  const Usage at_limits{6, 2, 1000, 50, 50, 400, most_folder_entries};
  CHECK_FALSE(exceeded_limit(limits, at_limits));

  const auto with = [&](auto Usage::*what, auto value) {
    Usage used = at_limits;
    used.*what = value;
    return exceeded_limit(limits, used);
  };
  CHECK(with(&Usage::seconds, 6.01) == End::timeout);
  CHECK(with(&Usage::cpu_seconds, 2.01) == End::timeout);
  CHECK(with(&Usage::memory_bytes, std::int64_t{1001}) == End::out_of_memory);
  CHECK(with(&Usage::out_bytes, std::int64_t{51}) == End::output_limit);
  CHECK(with(&Usage::err_bytes, std::int64_t{51}) == End::output_limit);
  CHECK(with(&Usage::folder_bytes, std::int64_t{401}) == End::output_limit);
  CHECK(with(&Usage::folder_entries, most_folder_entries + 1) == End::output_limit);
}

TEST_CASE("memory and output take precedence over time, which they cost", "[sandbox]") {
  const Limits limits;
  Usage used;
  used.seconds = 1e6;
  CHECK(exceeded_limit(limits, used) == End::timeout);
  used.out_bytes = limits.output_bytes + 1;
  CHECK(exceeded_limit(limits, used) == End::output_limit);
  used.memory_bytes = limits.memory_bytes + 1;
  CHECK(exceeded_limit(limits, used) == End::out_of_memory);
}

TEST_CASE("an exit code tells exit, signal and the limit of CPU time apart", "[sandbox]") {
  const auto is = [](const Ending& ending, End end, int exit_code, int signal) {
    return ending.end == end && ending.exit_code == exit_code && ending.signal == signal;
  };
  CHECK(is(ending_of(0, false), End::exited, 0, 0));
  CHECK(is(ending_of(1, false), End::exited, 1, 0));
  CHECK(is(ending_of(128, false), End::exited, 128, 0));
  CHECK(is(ending_of(139, false), End::signaled, 0, 11));
  CHECK(is(ending_of(192, false), End::signaled, 0, 64));
  CHECK(is(ending_of(193, false), End::exited, 193, 0));
  CHECK(is(ending_of(255, false), End::exited, 255, 0));
  CHECK(is(ending_of(128 + SIGXCPU, false), End::timeout, 0, 0));
  CHECK(is(ending_of(137, true), End::out_of_memory, 0, 0));
  // The kernel has killed a child of the program, which then has failed by itself.
  CHECK(is(ending_of(1, true), End::out_of_memory, 0, 0));
}

TEST_CASE("the limits of a process leave the job's limits their own outcome", "[sandbox]") {
  Limits limits;
  limits.cpu_seconds = 2.5;
  limits.memory_bytes = std::int64_t{3} << 30;
  limits.file_bytes = 1234;
  const auto value = [&](int resource) {
    for (const ResourceLimit& limit : process_limits(limits))
      if (limit.resource == resource) return limit.value;
    FAIL("no limit of resource " << resource);
    return ::rlimit{};
  };
  CHECK(value(RLIMIT_CPU).rlim_cur == 4);
  CHECK(value(RLIMIT_CPU).rlim_max == 5);
  CHECK(value(RLIMIT_DATA).rlim_cur == std::uint64_t{4} << 30);
  CHECK(value(RLIMIT_FSIZE).rlim_max == 1234);
  CHECK(value(RLIMIT_CORE).rlim_cur == 1);
  CHECK(value(RLIMIT_NOFILE).rlim_max == 256);
  CHECK(temporary_bytes(limits) == limits.memory_bytes / 2);
  CHECK(folder_bytes(limits) == 4 * 1234);
}

}  // namespace limits_test
