#!/bin/sh
# Sets up what `make` needs: Debian packages, and a virtual environment in .venv with the versions of constraints.txt.
# A second run finds its stamp and ends at once. PYTHON=... chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

extras=networks,tflite,evaluate,software,zarr,hardware,asic,fpga,report,test,bench,lint,docs,fuzz
stamp=.venv/setup-stamp
fingerprint=$({ pwd; cat pyproject.toml constraints.txt scripts/setup.sh; } | sha256sum)
if [ -x .venv/bin/silicodec ] && [ "$(cat $stamp 2>/dev/null)" = "$fingerprint" ]; then exit 0; fi

fail() {
    echo "setup: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"; else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

# Whether Python's shared library, which cocotb loads into the simulator, is there for Debian's own Python.
has_libpython() {
    "$1" -c "import ctypes, sys; sys.prefix == '/usr' and ctypes.CDLL('libpython3.%d.so.1.0' % sys.version_info[1])" \
        2>/dev/null
}

# Debian packages: what a command or module of it is missing. OpenSTA is not in Ubuntu; only area and timing need it.
python=$(find_python)
missing=
command -v iverilog >/dev/null || missing="$missing iverilog"
command -v verilator >/dev/null || missing="$missing verilator"
command -v g++ >/dev/null || missing="$missing g++"
if ! command -v python3 >/dev/null; then
    missing="$missing python3 python3-venv libpython3-dev"
elif [ -n "$python" ]; then
    "$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
    has_libpython "$python" || missing="$missing libpython3-dev"
fi
command -v yosys >/dev/null || missing="$missing yosys"
command -v nextpnr-ice40 >/dev/null || missing="$missing nextpnr-ice40"
command -v icepack >/dev/null || missing="$missing fpga-icestorm"
command -v dot >/dev/null || missing="$missing graphviz"
optional=
command -v sta >/dev/null || optional=opensta

if [ -n "$missing$optional" ] && can_install; then
    echo "setup: installing Debian packages:$missing $optional"
    as_root apt-get update -qq || echo "setup: apt-get update failed; trying with the package lists at hand" >&2
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
            fail "apt-get could not install$missing"
        missing=
    fi
    if [ -n "$optional" ] && as_root apt-get install -y -qq --no-install-recommends "$optional" >/dev/null 2>&1; then
        optional=
    fi
fi
[ -z "$missing" ] || fail "missing system packages; run: sudo apt-get install --no-install-recommends$missing"
[ -z "$optional" ] || echo "setup: without $optional, which is not installed, there are no area and timing figures"

python=$(find_python)
[ -n "$python" ] || fail "needs Python 3.11 or newer, not $(${PYTHON:-python3} -V 2>&1); set PYTHON to a newer one"

# On a machine that reaches it, PyTorch's own index has the build without CUDA, which is some gigabytes smaller.
cpu_index=https://download.pytorch.org/whl/cpu
if "$python" -c "import urllib.request as r; r.urlopen('$cpu_index/torch/', timeout=5)" 2>/dev/null; then
    set -- --extra-index-url "$cpu_index"
else
    set --
fi

echo "setup: installing into .venv with $("$python" -V)"
rm -f "$stamp"
"$python" -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check -c constraints.txt setuptools wheel
.venv/bin/pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation "$@" -e ".[$extras]"
printf '%s\n' "$fingerprint" >"$stamp"
echo "setup: done"
