#!/usr/bin/env bash
# Train on a Slurm cluster.
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] \
#       tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
# Python is that of PYTHON, of the active environment or of .venv.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
partition=$1
job_name=$2
config=$3
shift 3
gpus=${GPUS:-8}
gpus_per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
read -r -a srun_arguments <<<"${SRUN_ARGS:-}"

command -v srun >/dev/null || {
    echo "error: srun not found; start this on a machine of a Slurm cluster, or use tools/dist_train.sh" >&2
    exit 2
}
. "$(dirname "$0")/find_python.sh"
exec srun -p "$partition" --job-name="$job_name" --gres="gpu:$gpus_per_node" --ntasks="$gpus" \
    --ntasks-per-node="$gpus_per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 \
    ${srun_arguments[@]+"${srun_arguments[@]}"} \
    "$python" -u "$(dirname "$0")/train.py" "$config" --launcher slurm "$@"
