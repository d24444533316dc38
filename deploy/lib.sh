# Shared by the scripts of deploy/. Sourced, from the top of the checkout.

packages=(
    librabbitmq-dev libpq-dev libssl-dev libre2-dev libexpat1-dev zlib1g-dev
    postgresql rabbitmq-server git curl ca-certificates procps
)

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

export SLIPWAY_STEPS_BEGAN=${SLIPWAY_STEPS_BEGAN:-$EPOCHSECONDS}
# A line per step, with the seconds since the first of the scripts began.
step() { printf '%4ss  %s\n' $((EPOCHSECONDS - SLIPWAY_STEPS_BEGAN)) "$*"; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || fail "installing packages needs root: run this as root, or install sudo"
        sudo "$@"
    fi
}

install_packages() {
    command -v dpkg-query >/dev/null || fail "this script installs Debian packages, and this machine has no dpkg; install ${packages[*]} by other means and use 'swift build' yourself"
    local missing=() package
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    step "installing ${missing[*]}"
    # Slipway starts services of its own; the packages' system services are not to be started on its behalf.
    local policy=/usr/sbin/policy-rc.d made=no log
    log=$(mktemp)
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
        made=yes
    fi
    local status=0
    { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || status=$?
    [ "$made" = no ] || as_root rm -f "$policy"
    if [ "$status" -ne 0 ]; then
        tail -n 15 "$log" >&2
        fail "apt-get could not install ${missing[*]}; its last words stand above"
    fi
    rm -f "$log"
}

require_swift() {
    command -v swift >/dev/null || fail "swift is not on the PATH: install a Swift toolchain 6.2 or newer (swift.org/install)"
    local version
    version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    read -r major minor <<<"${version:-0 0}"
    [ "$major" -gt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -ge 2 ]; } ||
        fail "Swift $major.$minor is too old: Slipway needs a toolchain 6.2 or newer (swift.org/install)"
}

# Builds program and tests in the one configuration that serves both, with progress and an estimate.
build() {
    local log=.build/slipway-build.log status=0
    mkdir -p .build
    step "building (log: $log)"
    local started=$SECONDS
    { swift build -c release --build-tests 2>&1 || echo "build failed with status $?"; } |
        tee "$log" | show_progress "$started"
    if grep -q '^build failed with status' "$log"; then
        grep -E 'error:' "$log" | sort -u | head -n 20 >&2 || true
        tail -n 5 "$log" >&2
        fail "the build failed; $log has all of it"
    fi
    step "built in $((SECONDS - started)) s"
}

# Turns "[12/345] Compiling …" into one line that is rewritten on a terminal, and into a line each half minute elsewhere.
show_progress() {
    local started=$1 line done total elapsed said=-30 text
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
        done=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
        elapsed=$((SECONDS - started))
        text="building $done/$total"
        if [ "$elapsed" -ge 5 ] && [ "$done" -gt 0 ] && [ "$total" -ge 50 ]; then
            text+=", about $(((elapsed * (total - done) / done + 59) / 60)) min left"
        fi
        if [ -t 1 ]; then
            printf '\r\033[K%4ss  %s' $((EPOCHSECONDS - SLIPWAY_STEPS_BEGAN)) "$text"
        elif [ $((elapsed - said)) -ge 30 ]; then
            step "$text"
            said=$elapsed
        fi
    done
    [ ! -t 1 ] || printf '\r\033[K'
}
