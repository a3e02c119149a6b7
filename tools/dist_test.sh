#!/usr/bin/env bash
# Evaluate with several processes, one a GPU; on a machine without GPUs, on CPU cores.
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each of them.
# Python is that of PYTHON, of the active environment or of .venv.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
config=$1
checkpoint=$2
processes=$3
shift 3

. "$(dirname "$0")/find_python.sh"
exec "$python" "$(dirname "$0")/launch.py" "$processes" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
