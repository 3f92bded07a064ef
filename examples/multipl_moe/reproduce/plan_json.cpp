#include <nlohmann/json.hpp>

#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/schedule.hpp"

namespace multipl_moe::reproduce {

std::string plan_json(const Plan& plan, int jobs) {
  nlohmann::ordered_json json{{"scale", plan.scale},
                              {"seeds", plan.seeds},
                              {"items", plan.items},
                              {"basis", plan.basis},
                              {"seconds", plan.seconds()},
                              {"jobs", jobs},
                              {"seconds_with_jobs", duration_of(plan, jobs)},
                              {"bytes", plan.bytes()},
                              {"files", nlohmann::ordered_json::object()},
                              {"stages", nlohmann::ordered_json::array()}};
  for (const auto& [name, text] : plan.files) json["files"][name] = text;
  for (const Stage& stage : plan.stages) {
    nlohmann::ordered_json entry{{"id", stage.id},         {"command", stage.words}, {"needs", stage.needs},
                                 {"output", stage.output}, {"prints", stage.prints}, {"seconds", stage.seconds},
                                 {"bytes", stage.bytes}};
    json["stages"].push_back(std::move(entry));
  }
  return json.dump(2);
}

}  // namespace multipl_moe::reproduce
