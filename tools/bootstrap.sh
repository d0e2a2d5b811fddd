#!/usr/bin/env bash
# Makes the virtual environment named by $1 with a Python of at least 3.11.
#
# A fresh Debian machine may lack a recent enough python3, or its venv module. This script then
# installs both from Debian, as root or through sudo, and asks no question on the terminal.
set -euo pipefail

venv=$1
packages=(python3 python3-venv)

usable() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# 3.11 comes first because the locked versions in constraints.txt were tested on it.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.11 python3 /usr/bin/python3 python3.12 python3.13; do
        if usable "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

install_python() {
    local as_root=()
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "bootstrap: Python 3.11 or newer with its venv module is needed; install it first" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "bootstrap: run this first: sudo apt-get install ${packages[*]}" >&2
            exit 1
        fi
        as_root=(sudo -n)
    fi
    echo "bootstrap: installing ${packages[*]} from Debian"
    apt_get() {
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null 2>&1
    }
    local words
    words=$(apt_get update && apt_get -y --no-install-recommends install "${packages[@]}") || {
        printf '%s\n' "$words" >&2
        echo "bootstrap: Debian's packages could not be installed: ${packages[*]}" >&2
        exit 1
    }
}

python=$(find_python) || { install_python; python=$(find_python); } || {
    echo "bootstrap: this Debian's python3 is older than 3.11; install a newer one first" >&2
    exit 1
}

# An interrupted run may have left half an environment, which cannot be used.
if [ ! -x "$venv/bin/pip" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
