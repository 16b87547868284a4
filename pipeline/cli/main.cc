// s3flow's command line: arguments in, exit status out.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <new>
#include <sstream>
#include <system_error>

#include "pipeline/cli/commands.h"
#include "pipeline/cli/common.h"
#include "pipeline/cli/launch.h"
#include "pipeline/runtime/threads.h"

namespace {

// Signals, journal, lock, deadlines, progress, source, an event loop, a worker and who looks after it, name
// resolution.
constexpr int kMinThreads = 10;

void AddJobArguments(CLI::App* command, cli::JobArguments* arguments, bool required = true) {
  command->add_option("JOB.yaml", arguments->job_file, "The job file")->required(required);
  command->add_option("--set", arguments->overrides, "Override one value: section.key=value")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
}

void AddTraceArgument(CLI::App* command, cli::JobArguments* arguments) {
  command->add_option("--trace-http", arguments->trace_http, "Log every request and answer, without secrets")
      ->type_name("FILE");
}

void AddTrustArgument(CLI::App* command, bool* trust_dir) {
  command->add_flag(
      "--trust-dir", *trust_dir,
      "Use a run or plan directory that another user owns or may write to: its owner and all who may "
      "write there are trusted with your credentials");
}

void AddRunArguments(CLI::App* command, cli::JobArguments* arguments, bool job_required = true) {
  AddJobArguments(command, arguments, job_required);
  command->add_option("--run-dir", arguments->run_dir, "Where journal and summary go")->type_name("DIR");
  command->add_flag("-v,--verbose", arguments->verbose, "Show every start, retry and result");
  AddTraceArgument(command, arguments);
  AddTrustArgument(command, &arguments->trust_dir);
}

void AddEndpointArguments(CLI::App* command, cli::EndpointArguments* arguments) {
  command->add_option("--requests-per-second", arguments->requests_per_second,
                      "What is more is answered SlowDown");
  command->add_option("--latency", arguments->latency, "Added before each answer, as 20ms")
      ->type_name("TIME");
  command
      ->add_option("--jitter", arguments->jitter,
                   "Latencies are log-normal: --latency is their median, this their sigma")
      ->check(CLI::Range(0.0, 1.5));
  command->add_option("--bandwidth", arguments->bandwidth, "Bytes per second received, as 10MiB")
      ->type_name("SIZE");
  command
      ->add_option("--ignore-conditions", arguments->ignore_conditions,
                   "Ignore If-None-Match: on all writes, or only when a multipart upload is completed")
      ->check(CLI::IsMember({"all", "complete"}));
  command
      ->add_option("--refuse-header", arguments->refused_headers,
                   "Answer NotImplemented to requests with this header; may be given again")
      ->type_name("NAME")
      ->take_all()
      ->expected(1);
  command->add_option("--faults", arguments->faults_file, "Faults to inject (YAML)")->type_name("FILE");
}

void AddCleanArguments(CLI::App* command, cli::CleanArguments* clean) {
  command->add_option("RUN_DIR", clean->run_dir, "The run directory")->required();
  command->add_option("--job", clean->job_file, "The job file, when it is not where it was")
      ->type_name("JOB.yaml");
  command->add_flag("--dry-run", clean->dry_run, "Only say how many there are");
  AddTrustArgument(command, &clean->trust_dir);
}

void AddPlanArguments(CLI::App* command, cli::JobArguments* job, cli::PlanArguments* plan) {
  AddJobArguments(command, job);
  command->add_option("--shards", plan->shards, "How many")->required()->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--out", plan->directory,
                   "The directory of the plan, on a file system that all shards see")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--bandwidth", plan->bandwidth,
                   "Of all shards together, to tell how long it takes; as 10GB")
      ->type_name("SIZE");
  command->add_option("--requests-per-second", plan->requests_per_second, "Likewise");
  AddTraceArgument(command, job);
  AddTrustArgument(command, &job->trust_dir);
}

void AddFinishArguments(CLI::App* command, cli::FinishArguments* finish) {
  command->add_option("DIR", finish->directory, "The directory of the plan")->required();
  command->add_flag("--check-source", finish->check_source,
                    "Walk the source again, and tell what has appeared since the plan");
  AddTrustArgument(command, &finish->trust_dir);
  command->add_option("--trace-http", finish->trace_http, "Log every request and answer, without secrets")
      ->type_name("FILE");
}

void AddServeArguments(CLI::App* command, cli::ServeArguments* serve) {
  command->add_option("DIR", serve->directory, "Where objects are stored")->required();
  command->add_option("--port", serve->port, "Port; 0 takes a free one")->check(CLI::Range(0, 65535));
  command->add_option("--bucket", serve->buckets, "A bucket to create")->take_all()->expected(1);
  command->add_flag("--discard", serve->discard, "Hash and drop bodies instead of storing them");
  command->add_option("--profile", serve->profile, "Refuse what this store refuses, as r2")
      ->type_name("NAME");
  AddEndpointArguments(command, &serve->endpoint);
}

// A mistaken argument may be half of --set and hold a secret: what follows its '=' is not repeated.
std::string UsageProblem(const CLI::App* app, const CLI::Error& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  std::string text = "not expected:";
  for (const auto& argument : app->remaining(true)) {
    const auto equals = argument.find('=');
    text += " " + argument.substr(0, equals) + (equals == std::string::npos ? "" : "=...");
  }
  return text;
}

// CLI11 writes help to one stream and problems to another.
int Explain(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out, problem;
  const int status = app.exit(error, out, problem);
  pipeline::PrintLines(stdout, out.str());
  if (status != 0) cli::PrintError(problem.str() + " (--help shows what there is)");
  return status == 0 ? cli::WithText(pipeline::kExitOk) : pipeline::kExitUsage;
}

int Main(int argc, char** argv) {
  CLI::App app{"s3flow: bulk uploads to S3 and to stores that speak S3"};
  app.set_version_flag("--version", "s3flow " S3FLOW_VERSION);
  app.require_subcommand(1);
  app.failure_message(UsageProblem);
  cli::JobArguments job;
  cli::EndpointArguments endpoint;
  cli::ServeArguments serve;
  cli::CleanArguments clean;
  cli::PlanArguments plan;
  cli::FinishArguments finish;

  auto* run = app.add_subcommand("run", "Upload what the job file says");
  AddRunArguments(run, &job, false);
  run->add_option("--plan", job.plan_dir, "Upload a shard of this plan, instead of a job file")
      ->type_name("DIR");
  run->add_option(
         "--shard", job.shard,
         "Only a part of the job: I/N (from 0), or auto, from what mpirun, srun or a job array says; "
         "auto/N when that says not how many there are")
      ->type_name("I/N");
  run->add_flag("--resume", job.resume,
                "Go on with the run directory's run; without one there, begin (an unfinished run is gone on "
                "with in any case)");
  run->add_flag("--dry-run", job.dry_run,
                "Only say what would be uploaded and skipped, with how many requests");
  run->add_flag("--allow-changed-job", job.allow_changed_job,
                "Go on although the job is another than the run's");
  auto* check = app.add_subcommand("check", "Validate the job file and print the effective settings");
  AddJobArguments(check, &job);
  check->add_flag("--probe", job.probe,
                  "Ask the store what it takes: small requests under one key, deleted again");
  AddTraceArgument(check, &job);
  auto* rehearse =
      app.add_subcommand("rehearse", "Run the whole job against an embedded S3 endpoint, then compare");
  AddRunArguments(rehearse, &job);
  AddEndpointArguments(rehearse, &endpoint);
  auto* cleaning = app.add_subcommand(
      "clean", "Abort the multipart uploads that a run has left in the store, and no others");
  AddCleanArguments(cleaning, &clean);
  auto* planning = app.add_subcommand("plan", "Walk once, and deal the files out to so many runs");
  AddPlanArguments(planning, &job, &plan);
  auto* finishing = app.add_subcommand(
      "finish", "After the shards of a plan: complete what they share, and prove that nothing is missing");
  AddFinishArguments(finishing, &finish);
  auto* serving = app.add_subcommand("serve", "Run the embedded S3 endpoint alone, on 127.0.0.1");
  AddServeArguments(serving, &serve);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Explain(app, error);
  }
  if (const int threads = pipeline::ThreadsThatStart(kMinThreads); threads < kMinThreads) {
    cli::PrintError(
        fmt::format("only {} threads can be started: a command needs {} (see ulimit -u, pids.max of the "
                    "control group, and "
                    "whether the container's seccomp profile is older than clone3)",
                    threads, kMinThreads));
    return pipeline::kExitSystem;
  }
  if (run->parsed()) return cli::Run(job);
  if (check->parsed()) return cli::Check(job);
  if (cleaning->parsed()) return cli::Clean(clean);
  if (planning->parsed()) return cli::Plan(job, plan);
  if (finishing->parsed()) return cli::Finish(finish);
  if (rehearse->parsed()) return cli::Rehearse(job, endpoint);
  return cli::Serve(serve);
}

}  // namespace

int main(int argc, char** argv) {
  cli::PrepareProcess();
  // Linux before 5.18 starts a program without even its name (execve(2), argv).
  char name[] = "s3flow";
  char* no_arguments[] = {name, nullptr};
  try {
    return argc > 0 ? Main(argc, argv) : Main(1, no_arguments);
  } catch (const std::system_error& error) {
    cli::PrintError(std::string("the system refuses what this command needs: ") + error.what());
    return pipeline::kExitSystem;
  } catch (const std::bad_alloc&) {
    cli::PrintError("no memory is left to this process (see ulimit -v, and memory.max of the control group)");
    return pipeline::kExitSystem;
  } catch (const std::exception& error) {
    cli::PrintError(error.what());
    return pipeline::kExitBroken;
  }
}
