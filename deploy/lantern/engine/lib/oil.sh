# How a lamp uses up its oil.

# Millilitres an hour that a wick of this width (mm) draws.
burn_rate() {
    awk -v wick="$1" 'BEGIN { printf "%.2f\n", wick * 1.25 }'
}

# Hours that so much oil (ml) lasts at a wick of this width (mm).
burn_hours() {
    awk -v oil="$1" -v rate="$(burn_rate "$2")" 'BEGIN { printf "%.1f\n", oil / rate }'
}
