#include "multipl_moe/cli/ranks_dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "multipl_moe/cli/device_dry_run.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/mpi/launch.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

/// GB/s within a machine, and to other machines if it is given.
struct Rates {
  double within = 0;
  std::optional<double> between;
};

/// Empty if `text` is no positive number.
std::optional<double> rate_in(std::string_view text) {
  double rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  const bool is_rate = error == std::errc() && end == text.data() + text.size() && rate > 0 && rate < 1e9;
  return is_rate ? std::optional(rate) : std::nullopt;
}

/// Empty unless `text` is one rate or two.
std::optional<Rates> rates_in(std::string_view text) {
  const std::size_t comma = text.find(',');
  const auto within = rate_in(text.substr(0, comma));
  if (!within || comma == text.npos) return within ? std::optional(Rates{*within, std::nullopt}) : std::nullopt;
  const auto between = rate_in(text.substr(comma + 1));
  return between ? std::optional(Rates{*within, between}) : std::nullopt;
}

int per_machine(const DryRunFlags& flags) {
  return flags.ranks_per_machine > 0 ? flags.ranks_per_machine : flags.ranks;
}
int machines(const DryRunFlags& flags) { return (flags.ranks + per_machine(flags) - 1) / per_machine(flags); }

/// Empty without --bandwidth.
std::optional<Links> links_of(const DryRunFlags& flags) {
  const auto rates = rates_in(flags.bandwidth);
  if (!rates) return std::nullopt;
  return Links{per_machine(flags), 1e9 * rates->within, 1e9 * rates->between.value_or(rates->within)};
}

/// Exchanges of a part of the run, and how often it comes.
struct Part {
  const char* name;
  const std::vector<PlannedExchange>& exchanges;
  std::int64_t times;
};
std::vector<Part> parts_of(const RanksRun& run) {
  return {{"step", run.plan.step, run.steps},
          {"start", run.plan.start, 1},
          {"resume", run.plan.resume, run.is_resumed ? 1 : 0},
          {"eval", run.plan.evaluation, run.evaluations},
          {"save", run.plan.save, run.saves}};
}

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", 1e6 * seconds);
  if (seconds < 1) return fmt::format("{:.3g} ms", 1e3 * seconds);
  return seconds < 60 ? fmt::format("{:.2f} s", seconds) : short_duration(seconds);
}

/// Times of a run whose links and whose step in one process are known.
struct Times {
  double mean = 0;                   ///< seconds of a step's computation in a process, in the mean
  double compute = 0, exchange = 0;  ///< of a step in the process that computes most
  double run = 0;                    ///< of all steps, evaluations and saves, without the files

  double efficiency() const { return mean / (compute + exchange); }
};
std::optional<Times> times_of(const RanksRun& run) {
  const auto links = links_of(run.flags);
  const std::optional<double> alone = run.flags.step_time > 0 ? run.flags.step_time : run.arithmetic_step;
  if (!links || !alone) return std::nullopt;
  const double mean = *alone / run.flags.ranks;
  Times times{.mean = mean, .compute = run.plan.busiest * mean, .exchange = seconds_of(run.plan.step, *links)};
  times.run = times.compute * static_cast<double>(run.steps);
  for (const Part& part : parts_of(run))
    times.run += static_cast<double>(part.times) * seconds_of(part.exchanges, *links);
  return times;
}

std::vector<std::string> assumptions_of(const RanksRun& run) {
  std::vector<std::string> all;
  if (run.is_on_gpu)
    all.emplace_back(
        "each process has a GPU, and NCCL moves the bytes between GPUs: no training of several GPUs has run yet");
  all.emplace_back(
      "bytes are those of the process that sends most, times those of the one that needs longest, to send or to "
      "receive; each process sends to each of the others, to other machines too");
  if (!run.flags.bandwidth.empty())
    all.emplace_back(
        "nothing overlaps: exchanges wait for the computation and for each other; links reach their full rate in both "
        "directions, without latency, those of a machine and those to others at the same time");
  if (run.has_global_balance)
    all.emplace_back(
        "the counts of --global-balance, some numbers for each expert, layer and micro-batch, are left out");
  if (run.are_experts_spread) {
    all.emplace_back(
        "tokens choose all experts equally often and none of their choices is dropped: a process whose experts are "
        "chosen more often gets more rows, and the others wait for it");
    if (run.evaluations > 0)
      all.emplace_back("the rows of evaluations on held-out text, in which every process takes part, are left out");
  }
  if (times_of(run))
    all.push_back(fmt::format("a step in one process takes {} ({}), and each of n processes computes for 1/n of it",
                              time_text(run.flags.step_time > 0 ? run.flags.step_time : *run.arithmetic_step),
                              run.flags.step_time > 0 ? "--step-time" : "the arithmetic of the line above"));
  if (run.plan.busiest > 1.005)
    all.push_back(fmt::format(
        "the process with most experts computes {:.2f} times the mean, and the others wait for it", run.plan.busiest));
  return all;
}

/// A line of the table; the last two columns are empty where they do not apply.
void print_line(std::string_view part, std::string_view name, std::string_view here, std::string_view elsewhere,
                std::string_view time) {
  std::string line = fmt::format("  {:<6} {:<38} {:>11} {:>11} {:>9}", part, name, here, elsewhere, time);
  line.erase(line.find_last_not_of(' ') + 1);
  fmt::print("{}\n", line);
}

}  // namespace

void add_ranks_options(CLI::App& command, CLI::Option* dry, DryRunFlags& flags) {
  auto* ranks = command
                    .add_option("--ranks", flags.ranks,
                                "processes that --dry-run plans for, on machines elsewhere: what each has in memory "
                                "and sends to the others [those that mpirun or srun has started]")
                    ->type_name("N")
                    ->check(CLI::Range(1, 1 << 20))
                    ->needs(dry)
                    ->configurable(false);
  command.add_option("--ranks-per-machine", flags.ranks_per_machine, "how many of --ranks are on one machine [all]")
      ->type_name("N")
      ->check(above_zero())
      ->needs(ranks)
      ->configurable(false);
  auto* bandwidth = command
                        .add_option("--bandwidth", flags.bandwidth,
                                    "GB/s (10^9 bytes) of each of --ranks in each direction, and after a comma that "
                                    "to other machines, such as 350,42; prints the time of the exchanges")
                        ->type_name("GB/s[,GB/s]")
                        ->needs(ranks)
                        ->configurable(false);
  command
      .add_option("--step-time", flags.step_time,
                  "seconds that a step of this command takes in one process: with --bandwidth the efficiency of "
                  "--ranks follows [with --device cuda arithmetic]")
      ->type_name("SECONDS")
      ->check(above_zero())
      ->needs(bandwidth)
      ->configurable(false);
}

void check_ranks(const std::string& command, const DryRunFlags& flags) {
  if (flags.ranks == 0) return;
  if (const auto launched = launched_ranks())
    throw UsageError(
        fmt::format("[{}] --ranks plans for processes that are not started, found {} that are: give "
                    "--ranks to a process without mpirun or srun, or leave it out",
                    command, launched->size()));
  if (flags.ranks_per_machine > flags.ranks)
    throw UsageError(fmt::format("[{}] --ranks-per-machine must be at most --ranks, found {} and {}", command,
                                 flags.ranks_per_machine, flags.ranks));
  if (flags.bandwidth.empty()) return;
  const auto rates = rates_in(flags.bandwidth);
  if (!rates)
    throw UsageError(
        fmt::format("[{}] --bandwidth must be one number above 0, or two with a comma between them, in GB/s, such as "
                    "350 or 350,42, found '{}'",
                    command, escaped(flags.bandwidth, 80)));
  if (rates->between && machines(flags) == 1)
    throw UsageError(
        fmt::format("[{}] the second number of --bandwidth is for links between machines and needs "
                    "--ranks-per-machine below --ranks, found {} on one machine",
                    command, counted_processes(flags.ranks)));
}

void print_exchanges(const RanksRun& run) {
  const DryRunFlags& flags = run.flags;
  const auto links = links_of(flags);
  const bool has_machines = machines(flags) > 1;
  fmt::print("\nexchanges of {}, {} (arithmetic, not measured)\n", counted_processes(flags.ranks),
             has_machines ? fmt::format("{} on each machine", per_machine(flags)) : "on one machine");
  if (run.plan.step.empty()) return print_line("none", "", "", "", "");
  print_line("", "of the process that sends most", "to its own", has_machines ? "to others" : "", links ? "time" : "");
  const auto bytes = [](std::int64_t count) { return short_bytes(static_cast<double>(count)); };
  for (const Part& part : parts_of(run)) {
    if (part.times == 0) continue;
    for (const PlannedExchange& exchange : part.exchanges) {
      const LinkBytes sent = most_sent(exchange, per_machine(flags));
      print_line(part.name, exchange.site, bytes(sent.within), has_machines ? bytes(sent.between) : "",
                 links ? time_text(seconds_of(exchange, *links)) : "");
    }
  }
  if (const auto times = times_of(run))
    fmt::print("\nefficiency     {:>16.3f}   of a step: {} of computation, {} of exchanges; {} for the whole run\n",
               times->efficiency(), time_text(times->compute), time_text(times->exchange), short_duration(times->run));
  else
    fmt::print("\nefficiency              unknown   {}\n",
               links ? "--step-time SECONDS, that of a step in one process, gives it" : "--bandwidth GB/s gives times");
  fmt::print("assumed:\n");
  for (const std::string& assumption : assumptions_of(run)) fmt::print("  - {}\n", assumption);
}

void add_exchanges(nlohmann::ordered_json& out, const RanksRun& run) {
  const DryRunFlags& flags = run.flags;
  const auto links = links_of(flags);
  out["processes"] = {{"count", flags.ranks}, {"per_machine", per_machine(flags)}, {"machines", machines(flags)}};
  out["exchanges"] = nlohmann::ordered_json::array();
  for (const Part& part : parts_of(run))
    for (const PlannedExchange& exchange : part.exchanges) {
      if (part.times == 0) continue;
      const LinkBytes sent = most_sent(exchange, per_machine(flags));
      nlohmann::ordered_json line = {{"part", part.name},
                                     {"times", part.times},
                                     {"name", exchange.site},
                                     {"calls", exchange.calls},
                                     {"announcements", exchange.announcements},
                                     {"bytes_to_machine", sent.within},
                                     {"bytes_to_others", sent.between}};
      if (links) line["seconds"] = seconds_of(exchange, *links);
      out["exchanges"].push_back(std::move(line));
    }
  if (const auto times = times_of(run))
    out["efficiency"] = {{"of_step", times->efficiency()},
                         {"compute_seconds", times->compute},
                         {"exchange_seconds", times->exchange},
                         {"run_seconds", times->run}};
  out["assumptions"] = assumptions_of(run);
}

}  // namespace multipl_moe
