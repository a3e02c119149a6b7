# Sourced by the scripts beside it: sets `python` to the first of $PYTHON, that of an active environment, that of the
# repository's .venv (`make env`) and `python3` that can import torch; ends the script with a message if there is none.

find_python() {
    local repository candidate tried=()
    repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    local candidates=("${PYTHON:-}")
    if [ -z "${PYTHON:-}" ]; then
        candidates=("${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}" "${CONDA_PREFIX:+$CONDA_PREFIX/bin/python}"
            "$repository/.venv/bin/python" python python3)
    fi
    for candidate in "${candidates[@]}"; do
        [ -n "$candidate" ] || continue
        command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'; then
            python=$candidate
            return
        fi
        tried+=("$candidate")
    done
    if [ -n "${PYTHON:-}" ]; then
        echo "error: PYTHON=$PYTHON: cannot be run or has no torch; give the Python of the environment" >&2
    else
        echo "error: no Python with torch found (tried: ${tried[*]:-none}); run \`make env\`, or give PYTHON=<path>" >&2
    fi
    exit 2
}

find_python
