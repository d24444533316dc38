# Which lamp was lit last.

light_up() { echo "$1" >"${TMPDIR:-/tmp}/lantern-lit-${BUILD_ID:-0}"; }
lit_last() { cat "${TMPDIR:-/tmp}/lantern-lit-${BUILD_ID:-0}"; }
