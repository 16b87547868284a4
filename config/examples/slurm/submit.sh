#!/bin/bash
# Plans, uploads and finishes, one after the other: submit.sh JOB.yaml SHARDS PLAN_DIR
# PLAN_DIR must be on a file system that all nodes see. Prints the number of the last job; if that job ends
# with status 0, every file is in the store.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
s3flow plan "$1" --shards "$2" --out "$3" >&2
shards=$(sbatch --parsable --array="0-$(($2 - 1))" "$here/requeue.sbatch" "$3")
# afterany, not afterok: finish must also run after a failure and report it.
sbatch --parsable --dependency="afterany:$shards" "$here/finish.sbatch" "$3"
