#!/bin/bash
# Submits plan, uploads and finish, one after the other: submit.sh JOB.yaml SHARDS PLAN_DIR
# PLAN_DIR must be on a file system that all nodes see. Prints the ID of the last job. If that job ends with 0, every file
# is in the store.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
s3flow plan "$1" --shards "$2" --out "$3" >&2
shards=$(sbatch --parsable --array="0-$(($2 - 1))" "$here/requeue.sbatch" "$3")
# afterany, not afterok: finish must also run after failures, to name them.
sbatch --parsable --dependency="afterany:$shards" "$here/finish.sbatch" "$3"
