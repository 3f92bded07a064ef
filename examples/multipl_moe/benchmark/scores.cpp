#include "multipl_moe/benchmark/scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "multipl_moe/benchmark/pass_at_k.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/csv.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

namespace {

struct Passed {
  std::int64_t n = 0, c = 0, c_multipl_e = 0;
};

std::vector<Passed> passed_of(std::span<const Problem> problems, std::span<const Scored> scored) {
  std::vector<Passed> passed(problems.size());
  for (const Scored& sample : scored) {
    Passed& p = passed[sample.completion.problem];
    const Status status = sample.executed.result.status;
    ++p.n;
    p.c += status == Status::ok ? 1 : 0;
    p.c_multipl_e += status == Status::ok || status == Status::early_exit ? 1 : 0;
  }
  return passed;
}

std::int64_t count_of(const LanguageScores& scores, Status status) { return scores.statuses[index_of(status)]; }

/// Answers that are wrong: a failed test, an error or a signal.
std::int64_t wrong_of(const LanguageScores& scores) {
  return count_of(scores, Status::exception) + count_of(scores, Status::signal);
}

/// The columns of counts in summary.csv and --json.
std::vector<std::pair<const char*, std::int64_t>> counts_of(const LanguageScores& s) {
  return {{"problems", s.problems},
          {"samples", s.samples},
          {"ok", count_of(s, Status::ok)},
          {"wrong", wrong_of(s)},
          {"syntax_error", count_of(s, Status::syntax_error)},
          {"timeout", count_of(s, Status::timeout)},
          {"out_of_memory", count_of(s, Status::out_of_memory)},
          {"output_limit", count_of(s, Status::output_limit)},
          {"early_exit", count_of(s, Status::early_exit)},
          {"truncated", s.truncated},
          {"cannot_pass", s.cannot_pass},
          {"first_timeouts", s.first_timeouts}};
}

std::string percent(double share) { return fmt::format("{:.1f}", 100 * share); }

}  // namespace

std::int64_t require_same_samples(std::span<const Problem> problems, std::span<const Completion> completions,
                                  const std::filesystem::path& path) {
  std::vector<std::vector<std::int64_t>> samples(problems.size());
  std::size_t most = 0;
  for (const Completion& completion : completions) {
    samples[completion.problem].push_back(completion.sample);
    most = (std::max)(most, samples[completion.problem].size());
  }
  for (std::size_t i = 0; i < problems.size(); ++i) {
    std::sort(samples[i].begin(), samples[i].end());
    const bool is_complete =
        samples[i].size() == most && (most == 0 || samples[i].back() == std::ssize(samples[i]) - 1);
    if (!is_complete || most == 0)
      throw BadFile(path, fmt::format("must have the same samples, numbered from 0, of every problem, found {} of '{}' "
                                      "({}) and {} of another",
                                      counted(samples[i].size(), "samples"), escaped(problems[i].name, 60),
                                      title_of(problems[i].language), most));
  }
  return static_cast<std::int64_t>(most);
}

std::vector<LanguageScores> scores_of(std::span<const Problem> problems, std::span<const Scored> scored,
                                      std::span<const std::int64_t> ks, const std::vector<bool>& cannot_pass) {
  const std::vector<Passed> passed = passed_of(problems, scored);
  std::vector<LanguageScores> all;
  std::map<std::pair<std::string, Language>, std::size_t> places;
  const auto scores_for = [&](const Problem& problem) -> LanguageScores& {
    const auto [place, is_new] = places.try_emplace({problem.benchmark, problem.language}, all.size());
    if (is_new) {
      all.push_back({problem.benchmark, problem.language, {}});
      for (const std::int64_t k : ks) all.back().pass_at.push_back({k});
    }
    return all[place->second];
  };
  for (std::size_t i = 0; i < problems.size(); ++i) {
    LanguageScores& scores = scores_for(problems[i]);
    ++scores.problems;
    scores.cannot_pass += cannot_pass[i] ? 1 : 0;
    for (LanguageScores::PassAt& at : scores.pass_at) {
      at.pass += pass_at_k(passed[i].n, passed[i].c, at.k);
      at.pass_multipl_e += pass_at_k(passed[i].n, passed[i].c_multipl_e, at.k);
    }
  }
  for (const Scored& sample : scored) {
    LanguageScores& scores = scores_for(problems[sample.completion.problem]);
    ++scores.samples;
    ++scores.statuses[index_of(sample.executed.result.status)];
    scores.truncated += sample.completion.finish_reason == "length" ? 1 : 0;
    scores.first_timeouts += sample.executed.result.runs > 1 ? 1 : 0;
  }
  for (LanguageScores& scores : all)
    for (LanguageScores::PassAt& at : scores.pass_at) {
      at.pass /= static_cast<double>(scores.problems);
      at.pass_multipl_e /= static_cast<double>(scores.problems);
      const Interval interval = wilson_95(at.pass, scores.problems);
      at.low = interval.low;
      at.high = interval.high;
    }
  return all;
}

std::string result_line(const Scored& sample, const Problem& problem) {
  nlohmann::ordered_json line{{"name", problem.name},
                              {"language", multipl_moe::name_of(problem.language)},
                              {"sample", sample.completion.sample}};
  line.update(to_json(sample.executed.result));
  line["program_hash"] = sample.hash;
  line["cached"] = sample.executed.is_cached;
  return line.dump();
}

std::string results_text(std::span<const Problem> problems, std::span<const Scored> scored) {
  std::string text;
  for (const Scored& sample : scored) text += result_line(sample, problems[sample.completion.problem]) + "\n";
  return text;
}

std::string problems_csv(std::span<const Problem> problems, std::span<const Scored> scored) {
  const std::vector<Passed> passed = passed_of(problems, scored);
  std::string text = "benchmark,language,name,family,level,stratum,n,c\n";
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const Problem& p = problems[i];
    text += fmt::format("{},{},{},{},{},{},{},{}\n", csv_field(p.benchmark), multipl_moe::name_of(p.language),
                        csv_field(p.name), csv_field(p.family), csv_field(p.level), csv_field(p.stratum), passed[i].n,
                        passed[i].c);
  }
  return text;
}

std::string summary_csv(std::span<const LanguageScores> scores) {
  std::string text = "benchmark,language,k,pass_at_k,low95,high95,pass_at_k_multipl_e";
  for (const auto& [name, unused] : counts_of({})) text += fmt::format(",{}", name);
  text += '\n';
  for (const LanguageScores& s : scores)
    for (const LanguageScores::PassAt& at : s.pass_at) {
      text += fmt::format("{},{},{},{:.6f},{:.6f},{:.6f},{:.6f}", csv_field(s.benchmark),
                          multipl_moe::name_of(s.language), at.k, at.pass, at.low, at.high, at.pass_multipl_e);
      for (const auto& [unused, count] : counts_of(s)) text += fmt::format(",{}", count);
      text += '\n';
    }
  return text;
}

std::string summary_table(std::span<const LanguageScores> scores) {
  std::string text =
      fmt::format("{:<22} {:<7} {:>7} {:>7} {:>13} {:>10} {:>9} {:>8} {:>8} {:>7} {:>6}\n", "", "", "pass@k", "%",
                  "95 %", "MultiPL-E", "problems", "samples", "compile", "timeout", "other");
  for (const LanguageScores& s : scores)
    for (const LanguageScores::PassAt& at : s.pass_at) {
      const std::int64_t other = s.samples - count_of(s, Status::ok) - wrong_of(s) - count_of(s, Status::syntax_error) -
                                 count_of(s, Status::timeout);
      text +=
          fmt::format("{:<22} {:<7} {:>7} {:>7} {:>13} {:>10} {:>9} {:>8} {:>8} {:>7} {:>6}\n",
                      escaped(s.benchmark, 22), title_of(s.language), fmt::format("pass@{}", at.k), percent(at.pass),
                      percent(at.low) + " .. " + percent(at.high), percent(at.pass_multipl_e), s.problems, s.samples,
                      s.samples - count_of(s, Status::syntax_error), count_of(s, Status::timeout), other);
    }
  text.pop_back();
  return text;
}

std::string summary_json(std::span<const LanguageScores> scores) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const LanguageScores& s : scores) {
    nlohmann::ordered_json row{{"benchmark", s.benchmark}, {"language", multipl_moe::name_of(s.language)}};
    for (const LanguageScores::PassAt& at : s.pass_at)
      row["pass_at"].push_back({{"k", at.k},
                                {"pass_at_k", at.pass},
                                {"low95", at.low},
                                {"high95", at.high},
                                {"pass_at_k_multipl_e", at.pass_multipl_e}});
    for (const auto& [name, count] : counts_of(s)) row[name] = count;
    rows.push_back(std::move(row));
  }
  return rows.dump(2);
}

}  // namespace multipl_moe::benchmark
