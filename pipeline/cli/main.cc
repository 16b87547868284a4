// s3flow's command line: arguments in, exit status out.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <functional>
#include <new>
#include <sstream>
#include <system_error>
#include <vector>

#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/endpoint_arguments.h"
#include "pipeline/cli/first_steps.h"
#include "pipeline/cli/launch.h"
#include "pipeline/cli/output.h"
#include "pipeline/cli/usage.h"
#include "pipeline/report/terminal.h"
#include "pipeline/runtime/threads.h"

namespace {

// The smallest number of threads that a command needs, one for each of these: signals, journal, lock,
// deadlines, progress, status file, series, source, an event loop, a worker, the worker scaler's timer, name
// resolution.
constexpr int kMinThreads = 12;

// The values that the parser sets. Each command uses some of them.
struct Arguments {
  cli::JobArguments job;
  cli::EndpointArguments endpoint;
  cli::CleanArguments clean;
  cli::PlanArguments plan;
  cli::FinishArguments finish;
  cli::StatusArguments status;
  cli::ReportCommandArguments report;
  cli::ServeArguments serve;
  cli::InitArguments init;
  cli::SchemaArguments schema;
  cli::HelpArguments help;
  std::string shell;
  cli::ManualArguments manual;
};

struct Command {
  const CLI::App* parser;
  std::function<cli::CommandResult()> execute;
};

void AddJobArguments(CLI::App* command, cli::JobArguments* arguments, bool required = true) {
  command->add_option("JOB.yaml", arguments->job_file, "The job file; - is standard input")
      ->required(required);
  command->add_option("--set", arguments->overrides, "Override one value of the job file: section.key=value")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);  // a second value is a mistake, and may be a secret
}

void AddTraceArgument(CLI::App* command, std::string* file) {
  command->add_option("--trace-http", *file, "Log every request and response to FILE, without secrets")
      ->type_name("FILE");
}

void AddTrustArgument(CLI::App* command, bool* trust_dir) {
  command->add_flag("--trust-dir", *trust_dir,
                    "Use the run or plan directory even if other users own it or may write to it. Set this "
                    "only if you trust these users with your credentials");
}

void AddReportArguments(CLI::App* command, cli::ReportArguments* arguments) {
  auto* quiet = command->add_flag("-q,--quiet", arguments->quiet, "Show nothing but what went wrong");
  command->add_flag("-v,--verbose", arguments->verbose, "Show every start, retry and result")
      ->excludes(quiet);
  command
      ->add_option(
          "--progress", arguments->progress,
          "auto: a progress area on a terminal, otherwise lines; bar, lines, json (one object for each "
          "line) or none")
      ->check(CLI::IsMember({"auto", "bar", "lines", "json", "none"}))
      ->type_name("STYLE");
  command->add_flag("--no-color", arguments->no_color,
                    "Use no colors. NO_COLOR and TERM=dumb have the same effect");
  command
      ->add_option(
          "--log-level", arguments->log_level,
          "Which events to show: quiet, failures (the first ones and one of each kind) or objects (all)")
      ->check(CLI::IsMember({"quiet", "failures", "objects"}))
      ->type_name("LEVEL");
  command->add_option("--log-file", arguments->log_file, "Also append the events to FILE, with time stamps")
      ->type_name("FILE");
  command
      ->add_option("--log-format", arguments->log_format,
                   "The format of the log file, or of stderr without --log-file: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
}

void AddRunArguments(CLI::App* command, cli::JobArguments* arguments, bool job_required = true) {
  AddJobArguments(command, arguments, job_required);
  command->add_option("--run-dir", arguments->run_dir, "Directory for the journal and the summary")
      ->type_name("DIR");
  AddReportArguments(command, &arguments->report);
  AddTraceArgument(command, &arguments->trace_http);
  AddTrustArgument(command, &arguments->trust_dir);
}

Command AddRun(CLI::App* app, Arguments* arguments) {
  auto* job = &arguments->job;
  auto* command = app->add_subcommand("run", "Upload what the job file describes");
  AddRunArguments(command, job, false);
  command->add_option("--plan", job->plan_dir, "Upload a shard of this plan, instead of a job file's inputs")
      ->type_name("DIR");
  command
      ->add_option(
          "--shard", job->shard,
          "Upload only one part of the job: I/N (I counts from 0), or auto to read both from mpirun, srun "
          "or a job array; auto/N if they do not give N")
      ->type_name("I/N");
  command->add_flag(
      "--resume", job->resume,
      "Resume the run in --run-dir, even a finished one. Without a run there, start a new one. (An "
      "unfinished run is always resumed.)");
  command->add_flag(
      "--dry-run", job->dry_run,
      "Only show what would be uploaded and skipped, and with how many requests; with -v, each name");
  command->add_flag("--allow-changed-job", job->allow_changed_job,
                    "Resume even if the job has changed since the run was started");
  return {command, [job] { return cli::Run(*job); }};
}

Command AddCheck(CLI::App* app, Arguments* arguments) {
  auto* job = &arguments->job;
  auto* command = app->add_subcommand("check", "Validate the job file and print the effective settings");
  AddJobArguments(command, job);
  command->add_flag("--probe", job->probe,
                    "Test what the store supports, with small requests under one key that is then deleted");
  AddTraceArgument(command, &job->trace_http);
  return {command, [job] { return cli::Check(*job); }};
}

Command AddRehearse(CLI::App* app, Arguments* arguments) {
  auto* command = app->add_subcommand(
      "rehearse", "Test the whole job: upload to an embedded S3 endpoint, then read back and compare");
  AddRunArguments(command, &arguments->job);
  cli::AddEndpointArguments(command, &arguments->endpoint);
  return {command, [arguments] { return cli::Rehearse(arguments->job, arguments->endpoint); }};
}

Command AddClean(CLI::App* app, Arguments* arguments) {
  auto* clean = &arguments->clean;
  auto* command = app->add_subcommand("clean",
                                      "Abort the multipart uploads that a run has left in the store, and no "
                                      "others; or remove old run directories");
  command
      ->add_option("DIR", clean->run_dir,
                   "The run directory; with --older-than, the directory that contains run directories")
      ->required();
  auto* older =
      command
          ->add_option("--older-than", clean->older_than,
                       "Instead, remove the run directories in DIR whose runs were complete and ended at "
                       "least this long ago, for example 30d or 12h")
          ->type_name("AGE");
  command->add_flag("--failed-too", clean->failed_too, "Also remove runs that ended with failed inputs")
      ->needs(older);
  command
      ->add_option("--job", clean->job_file,
                   "The job file, if it was moved after the start of the run, or was standard input")
      ->type_name("JOB.yaml");
  command->add_flag("--dry-run", clean->dry_run, "Only show what would be aborted or removed");
  AddTrustArgument(command, &clean->trust_dir);
  return {command, [clean] { return cli::Clean(*clean); }};
}

Command AddPlan(CLI::App* app, Arguments* arguments) {
  auto* plan = &arguments->plan;
  auto* command =
      app->add_subcommand("plan", "Walk the source once and divide its files among several runs (shards)");
  AddJobArguments(command, &arguments->job);
  command->add_option("--shards", plan->shards, "Number of shards")
      ->required()
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--out", plan->directory,
                   "Directory for the plan, on a file system that all shards can use")
      ->type_name("DIR")
      ->required();
  command
      ->add_option(
          "--bandwidth", plan->bandwidth,
          "Assumed bytes per second of all shards together, for example 10GB. The output then includes the "
          "minimum duration of the upload")
      ->type_name("SIZE");
  command->add_option("--requests-per-second", plan->requests_per_second,
                      "Assumed requests per second of all shards together, for the same estimate");
  AddTraceArgument(command, &arguments->job.trace_http);
  AddTrustArgument(command, &arguments->job.trust_dir);
  return {command, [arguments] { return cli::Plan(arguments->job, arguments->plan); }};
}

Command AddFinish(CLI::App* app, Arguments* arguments) {
  auto* finish = &arguments->finish;
  auto* command = app->add_subcommand(
      "finish",
      "After the shards of a plan: complete the objects they share, and check that nothing is missing");
  command->add_option("DIR", finish->directory, "The directory of the plan")->required();
  command->add_flag("--check-source", finish->check_source,
                    "Walk the source again and list the files that have appeared since the plan");
  AddTrustArgument(command, &finish->trust_dir);
  AddTraceArgument(command, &finish->trace_http);
  return {command, [finish] { return cli::Finish(*finish); }};
}

Command AddStatus(CLI::App* app, Arguments* arguments) {
  auto* status = &arguments->status;
  auto* command =
      app->add_subcommand("status", "Show the live state of a run, or of all shards of a plan, on any node");
  command->add_option("DIR", status->directory, "The run directory, or the directory of the plan")
      ->required();
  command->add_flag("--watch", status->watch,
                    "Show the state every 2 s, until all runs have ended or are lost");
  command->add_flag("--json", status->json, "Print JSON; with --watch, one document per line");
  AddTrustArgument(command, &status->trust_dir);
  return {command, [status] { return cli::Status(*status); }};
}

Command AddReport(CLI::App* app, Arguments* arguments) {
  auto* report = &arguments->report;
  auto* command = app->add_subcommand(
      "report", "Merge the sessions of a run, several runs or the shards of a plan into one report");
  command
      ->add_option(
          "DIR", report->directories,
          "The directories of runs or plans, oldest first: a later result of a file replaces an earlier one")
      ->required()
      ->expected(-1);
  command
      ->add_option(
          "--format", report->format,
          "text, json, html (one page), csv (one line for each input), sha256sum (for sha256sum -c), "
          "bagit (manifest-sha256.txt) or failed (the absolute paths of failed inputs)")
      ->check(CLI::IsMember({"text", "json", "html", "csv", "sha256sum", "bagit", "failed"}))
      ->type_name("FORMAT");
  command->add_flag("-0,--null", report->null_separated,
                    "With failed: end each path with a NUL, as source[].files_from0 reads them");
  command->add_option("--output", report->output, "Write the report to FILE")->type_name("FILE");
  command->add_flag("--force", report->force, "Replace FILE if it exists");
  AddTrustArgument(command, &report->trust_dir);
  return {command, [report] { return cli::Report(*report); }};
}

Command AddCompletion(CLI::App* app, Arguments* arguments) {
  auto* command = app->add_subcommand("completion", "Print the completion of commands, options and job keys");
  command->add_option("SHELL", arguments->shell, "The shell: bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return {command,
          [app, arguments] { return cli::Completion(cli::DescribeCommandLine(*app), arguments->shell); }};
}

// Only the build needs it, so the help does not show it.
Command AddManual(CLI::App* app, Arguments* arguments) {
  auto* manual = &arguments->manual;
  auto* command = app->add_subcommand("manual", "Write the manual pages to DIR/man1 and DIR/man5")->group("");
  command->add_option("DIR", manual->directory, "A directory")->required();
  command->add_option("--date", manual->date, "The date of the release, YYYY-MM-DD")->required();
  return {command, [app, manual] { return cli::Manual(cli::DescribeCommandLine(*app), *manual); }};
}

cli::Vocabulary VocabularyOf(const CLI::App& app) {
  cli::Vocabulary words;
  for (const auto* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) words.commands.push_back(command->get_name());
  }
  const auto given = app.get_subcommands();
  if (!given.empty()) words.command = given.front()->get_name();
  for (const auto* option : (given.empty() ? &app : given.front())->get_options()) {
    for (const auto& name : option->get_lnames()) words.options.push_back("--" + name);
  }
  return words;
}

std::string UsageProblem(const CLI::App* app, const CLI::Error& error) {
  const auto unexpected = app->remaining(true);
  const bool lacks_command = app->get_subcommands().empty();
  const bool is_unexpected = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr || lacks_command;
  if (unexpected.empty() || !is_unexpected) return error.what();
  return cli::UnexpectedText(unexpected, VocabularyOf(*app));
}

// Returns the result of the command after the parser has thrown `error`: a success for --help and --version,
// an error for a mistake in the arguments. Prints the help or the version.
cli::CommandResult Explain(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream help, problem;
  const int status = app.exit(error, help, problem);
  pipeline::PrintLines(stdout, help.str());
  if (status == 0) return cli::UnlessStdoutFailed(pipeline::kExitOk);
  return cli::Fail(pipeline::kExitUsage, problem.str() + " (see s3flow --help)");
}

// Returns a problem if an option has an empty value: in a script, a variable may be unset.
std::optional<std::string> EmptyOption(const CLI::App& command) {
  for (const auto* option : command.get_options()) {
    const auto& values = option->results();
    if (option->nonpositional() && std::find(values.begin(), values.end(), "") != values.end()) {
      return fmt::format("{} has an empty value: give it one, or leave the option out", option->get_name());
    }
  }
  return std::nullopt;
}

tl::expected<void, cli::ExitError> CheckThreads() {
  const int threads = pipeline::ThreadsThatStart(kMinThreads);
  if (threads >= kMinThreads) return {};
  return cli::Fail(
      pipeline::kExitSystem,
      fmt::format("this process can start only {} threads, and a command needs {}: raise ulimit -u or "
                  "pids.max of the control group (in a container, the cause may be a seccomp "
                  "profile that forbids clone3)",
                  threads, kMinThreads));
}

cli::CommandResult ParseAndExecute(int argc, char** argv) {
  CLI::App app{"s3flow: bulk uploads to S3 and S3-compatible stores"};
  app.set_version_flag("--version", "s3flow " S3FLOW_VERSION);
  app.require_subcommand(1);
  app.failure_message(UsageProblem);
  Arguments arguments;
  std::vector<Command> commands;
  for (auto* add : {AddRun, AddCheck, AddRehearse, AddClean, AddPlan, AddFinish, AddStatus, AddReport}) {
    commands.push_back(add(&app, &arguments));
  }
  commands.push_back({cli::AddServe(&app, &arguments.serve), [&] { return cli::Serve(arguments.serve); }});
  for (auto* add : {AddCompletion, AddManual}) commands.push_back(add(&app, &arguments));
  commands.push_back({cli::AddInit(&app, &arguments.init), [&] { return cli::Init(arguments.init); }});
  commands.push_back(
      {cli::AddSchema(&app, &arguments.schema), [&] { return cli::Schema(arguments.schema); }});
  commands.push_back({cli::AddHelp(&app, &arguments.help), [&] { return cli::Help(app, arguments.help); }});
  if (argc <= 1) return tl::unexpected(cli::ExitError{pipeline::kExitUsage, app.help()});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Explain(app, error);
  }
  const auto problem = EmptyOption(*app.get_subcommands().front());
  if (problem) return cli::Fail(pipeline::kExitUsage, *problem);
  if (const auto enough = CheckThreads(); !enough) return tl::unexpected(enough.error());
  for (const auto& command : commands) {
    if (command.parser->parsed()) return command.execute();
  }
  return cli::Fail(pipeline::kExitUsage, "no command (see s3flow --help)");
}

int Main(int argc, char** argv) {
  const auto result = ParseAndExecute(argc, argv);
  if (result) return *result;
  pipeline::PrintLines(stderr, result.error().lines);
  return result.error().status;
}

}  // namespace

int main(int argc, char** argv) {
  cli::PrepareProcess();
  // Linux before 5.18 can start a program with an empty argv, without even its name (execve(2)).
  char name[] = "s3flow";
  char* no_arguments[] = {name, nullptr};
  try {
    return argc > 0 ? Main(argc, argv) : Main(1, no_arguments);
  } catch (const std::system_error& error) {
    cli::PrintError(std::string("the system refused a resource that this command needs: ") + error.what());
    return pipeline::kExitSystem;
  } catch (const std::bad_alloc&) {
    cli::PrintError("this process has no memory left: raise ulimit -v, or memory.max of the control group");
    return pipeline::kExitSystem;
  } catch (const std::exception& error) {
    cli::PrintError(error.what());
    return pipeline::kExitBroken;
  }
}
