#include "pipeline/plan/job_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/report/format.h"
#include "pipeline/report/summary.h"

namespace pipeline {
namespace {

constexpr std::size_t kMaxPlanBytes = 256 << 20;  // a million shards take 90 MiB

// Returns the maximum divided by the mean.
double Imbalance(const std::vector<ShardLoad>& shards, std::uint64_t ShardLoad::*what) {
  double max = 0, sum = 0;
  for (const auto& shard : shards) {
    const auto value = static_cast<double>(shard.*what);
    max = std::max(max, value);
    sum += value;
  }
  return sum > 0 ? max / (sum / static_cast<double>(shards.size())) : 1;
}

}  // namespace

std::uint64_t JobPlan::requests() const {
  std::uint64_t sum = 2 * cut_objects;  // `plan` creates an upload, `finish` completes it
  for (const auto& shard : shards) sum += shard.requests;
  return sum;
}

double JobPlan::bytes_imbalance() const { return Imbalance(shards, &ShardLoad::bytes); }
double JobPlan::requests_imbalance() const { return Imbalance(shards, &ShardLoad::requests); }

std::string ManifestName(int shard) { return fmt::format("{}/{:05}", kManifestsName, shard); }
std::string ShardRunDirName(int shard) { return fmt::format("{}/{:05}", kShardsName, shard); }
std::string ShardRunDir(const std::string& plan_dir, int shard) {
  return fmt::format("{}/{}", plan_dir, ShardRunDirName(shard));
}
std::string ShardTextOf(int shard, int count, const std::string& plan_id) {
  return plan_id.empty() ? fmt::format("{}/{}", shard, count)
                         : fmt::format("{}/{} of plan {}", shard, count, plan_id);
}

std::string PlanJson(const JobPlan& plan) {
  nlohmann::ordered_json json = {{"version", S3FLOW_VERSION},
                                 {"id", plan.id},
                                 {"created", plan.created_s},
                                 {"objects", plan.objects},
                                 {"bytes", plan.bytes},
                                 {"requests", plan.requests()},
                                 {"cut_objects", plan.cut_objects},
                                 {"ranges", plan.ranges},
                                 {"overrides", plan.overrides},
                                 {"directory", plan.directory},
                                 {"settings", plan.settings}};
  auto& shards = json["shards"] = nlohmann::ordered_json::array();
  for (const auto& shard : plan.shards) {
    shards.push_back({{"inputs", shard.inputs}, {"bytes", shard.bytes}, {"requests", shard.requests}});
  }
  return json.dump(1) + "\n";
}

s3::Result<JobPlan> LoadPlan(const OwnDir& plan_dir) {
  const auto path = plan_dir.PathOf(kPlanName);
  const auto text = plan_dir.Text(kPlanName, kMaxPlanBytes);
  if (!text) return tl::unexpected(text.error());
  try {
    const auto json = nlohmann::json::parse(*text);
    JobPlan plan{.id = json.at("id"),
                 .settings = json.at("settings"),
                 .directory = json.at("directory"),
                 .overrides = json.at("overrides"),
                 .created_s = json.at("created"),
                 .objects = json.at("objects"),
                 .bytes = json.at("bytes"),
                 .cut_objects = json.at("cut_objects"),
                 .ranges = json.at("ranges")};
    for (const auto& shard : json.at("shards")) {
      plan.shards.push_back({shard.at("inputs"), shard.at("bytes"), shard.at("requests")});
    }
    if (plan.shards.empty())
      return s3::Fail(s3::ErrorKind::kLocal, path + ": this plan has no shards: make a new plan");
    return plan;
  } catch (const std::exception& error) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    fmt::format("{}: this is not a plan of this s3flow version: make a new plan ({})", path,
                                error.what()));
  }
}

std::string PlanText(const JobPlan& plan, std::uint64_t bytes_per_second, std::uint64_t requests_per_second) {
  auto text = fmt::format("{}, {}, at least {}, in {}\n", Counted(plan.objects, "input", "inputs"),
                          HumanBytes(static_cast<double>(plan.bytes)),
                          Counted(plan.requests(), "request", "requests"),
                          Counted(plan.shards.size(), "shard", "shards"));
  if (plan.cut_objects > 0) {
    text += fmt::format("{} cut into {} of parts; s3flow finish completes their objects\n",
                        Counted(plan.cut_objects, "file is", "files are"),
                        Counted(plan.ranges, "range", "ranges"));
  }
  text += fmt::format("the largest shard has {:.3f} times the mean bytes, {:.3f} times the mean requests\n",
                      plan.bytes_imbalance(), plan.requests_imbalance());
  if (bytes_per_second == 0 && requests_per_second == 0) return text;
  // The largest shard ends last, and each shard gets an equal share of the total rate.
  const auto seconds_at = [](std::uint64_t total, double imbalance, std::uint64_t rate) {
    return rate > 0 ? static_cast<double>(total) * imbalance / static_cast<double>(rate) : 0;
  };
  const double seconds =
      std::max(seconds_at(plan.bytes, plan.bytes_imbalance(), bytes_per_second),
               seconds_at(plan.requests(), plan.requests_imbalance(), requests_per_second));
  return text +
         fmt::format("minimum duration if all shards together reach the assumed rate: {:.0f} s\n", seconds);
}

}  // namespace pipeline
