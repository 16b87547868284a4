#include "pipeline/cli/documents/examples.h"

namespace cli {
namespace {

constexpr Example kExamples[] = {
    {kJobFileExample, "This job uploads all files below ./data but the temporary ones",
     "source:\n"
     "  - path: ./data\n"
     "    exclude: [\"*.tmp\"]\n"
     "destination:\n"
     "  bucket: my-results\n"
     "  prefix: run42/\n"
     "  region: us-east-1"},
    {"", "Check a job, see what it would do, and run it",
     "s3flow check job.yaml\n"
     "s3flow run job.yaml --dry-run\n"
     "s3flow run job.yaml --run-dir RUN"},
    {"run", "Run a job. The same command resumes it after an interruption",
     "s3flow run job.yaml --run-dir RUN --resume"},
    {"run", "Override a value of the job file, and show only what goes wrong",
     "s3flow run job.yaml --set upload.concurrency=32 --quiet"},
    {"run", "Upload one of the shards of a plan, in a Slurm job array or under mpirun",
     "s3flow run --plan PLAN --shard auto"},
    {"check", "Test what the store supports", "s3flow check job.yaml --probe"},
    {"rehearse", "Try the job against a store that answers after 20 ms and throttles",
     "s3flow rehearse job.yaml --latency 20ms --requests-per-second 500"},
    {"clean", "Abort the multipart uploads that an unfinished run left in the store", "s3flow clean RUN"},
    {"clean", "Remove the directories of complete runs that ended at least 30 days ago",
     "s3flow clean --older-than 30d s3flow-runs"},
    {"init", "Write a job file for a store other than AWS, and test the store",
     "s3flow init ./data s3://results/run42/ --endpoint https://store.example"},
    {"schema", "Let an editor with a YAML language server check job files",
     "s3flow schema > s3flow.schema.json\n"
     "sed -i '1i # yaml-language-server: $schema=s3flow.schema.json' job.yaml"},
    {"plan", "Divide the files of a job among 8 nodes",
     "s3flow plan job.yaml --shards 8 --out PLAN\n"
     "s3flow run --plan PLAN --shard 0/8\n"
     "s3flow finish PLAN"},
    {"finish", "Prove that no file of a plan is missing, and find files that have appeared since",
     "s3flow finish PLAN --check-source"},
    {"status", "Watch all shards of a plan from any node", "s3flow status PLAN --watch"},
    {"report", "Compare the uploaded content with local files",
     "s3flow report RUN --format sha256sum | (cd data && sha256sum -c)"},
    {"serve", "Run a store for tests. Its first line shows the URL and the credentials",
     "s3flow serve STORE --bucket results --port 9000"},
    {"completion", "Complete s3flow's commands, options and job keys in this bash",
     "source <(s3flow completion bash)"},
};

}  // namespace

std::span<const Example> Examples() { return kExamples; }

}  // namespace cli
