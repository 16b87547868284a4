#include "pipeline/plan/job_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace pipeline {
namespace {

constexpr std::size_t kMaxPlanBytes = 256 << 20;  // a million shards take 90 MiB

// The greatest, as a multiple of the mean.
double Imbalance(const std::vector<ShardLoad>& shards, std::uint64_t ShardLoad::*what) {
  double most = 0, sum = 0;
  for (const auto& shard : shards) {
    const auto value = static_cast<double>(shard.*what);
    most = std::max(most, value);
    sum += value;
  }
  return sum > 0 ? most / (sum / static_cast<double>(shards.size())) : 1;
}

}  // namespace

std::uint64_t JobPlan::requests() const {
  std::uint64_t sum = 2 * cut_objects;  // created and completed by no shard
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
    if (plan.shards.empty()) return s3::Fail(s3::ErrorKind::kLocal, path + ": has no shards");
    return plan;
  } catch (const std::exception& error) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    fmt::format("{}: is no plan of this version: {}", path, error.what()));
  }
}

}  // namespace pipeline
