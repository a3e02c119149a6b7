#!/usr/bin/env bash
# Train with several processes, one a GPU; on a machine without GPUs, on CPU cores.
#   tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each of them.
# Python is that of PYTHON, of the active environment or of .venv.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
config=$1
processes=$2
shift 2

. "$(dirname "$0")/find_python.sh"
exec "$python" "$(dirname "$0")/launch.py" "$processes" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
