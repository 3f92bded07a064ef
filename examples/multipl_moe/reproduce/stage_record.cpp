#include "multipl_moe/reproduce/stage_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t largest_record = 1 << 20;

std::string hex(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

/// The record of a stage that begins, without its output.
Json beginning_of(const Stage& stage, const OutputHashes& done) {
  Json inputs = Json::object();
  for (const std::string& need : stage.needs) inputs[need] = hex(done.at(need));
  return {{"command", stage.words}, {"inputs", std::move(inputs)}};
}

}  // namespace

std::optional<std::uint64_t> hash_of_output(const fs::path& path) {
  if (!is_there(path)) return std::nullopt;
  if (!fs::is_directory(path)) return hash_of_file(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::uint64_t hash = 0;
  for (const fs::path& file : files)
    hash = hash_of_numbers({hash, hash_of(file.lexically_relative(path).native()), hash_of_file(file)});
  return hash;
}

fs::path StageRecords::path_of(const Stage& stage) const { return folder_ / "stages" / (stage.id + ".json"); }

bool StageRecords::has(const Stage& stage) const { return is_there(path_of(stage)); }

StageRecords::State StageRecords::state_of(const Stage& stage, OutputHashes& done) const {
  const fs::path path = path_of(stage);
  if (!is_there(path) || !is_there(folder_ / stage.output)) return State::missing;
  Json record;
  try {
    record = parse_strict_json(read_whole_file(path, largest_record), path);
  } catch (const BadFile&) {
    return State::missing;
  }
  if (!record.is_object()) return State::missing;
  const Json output = record.value("output", Json());
  record.erase("output");
  if (record != beginning_of(stage, done)) return State::missing;
  if (output.is_null()) return State::begun;
  const auto found = hash_of_output(folder_ / stage.output);
  if (output != Json(hex(*found))) return State::missing;
  done[stage.id] = *found;
  return State::done;
}

void StageRecords::begin(const Stage& stage, const OutputHashes& done) const {
  create_folders(path_of(stage).parent_path());
  write_file_atomically(path_of(stage), beginning_of(stage, done).dump(2) + "\n");
}

void StageRecords::finish(const Stage& stage, OutputHashes& done) const {
  const auto hash = hash_of_output(folder_ / stage.output);
  if (!hash)
    throw Failure(fmt::format("[reproduce] {} ended without an error, but {} is not there", stage.id, stage.output));
  Json record = beginning_of(stage, done);
  record["output"] = hex(*hash);
  write_file_atomically(path_of(stage), record.dump(2) + "\n");
  done[stage.id] = *hash;
}

std::set<std::string> finished_stages(const Plan& plan, const fs::path& folder) {
  const StageRecords records(folder);
  OutputHashes done;
  std::set<std::string> ids;
  for (const Stage& stage : plan.stages) {
    const bool has_inputs = std::all_of(stage.needs.begin(), stage.needs.end(),
                                        [&](const std::string& need) { return done.contains(need); });
    if (has_inputs && records.state_of(stage, done) == StageRecords::State::done) ids.insert(stage.id);
  }
  return ids;
}

}  // namespace multipl_moe::reproduce
