# When a lamp wants oil.

# Millilitres needed to burn through so many hours at a wick of this width (mm).
refill() {
    awk -v hours="$1" -v rate="$(burn_rate "$2")" 'BEGIN { printf "%.1f\n", hours * rate }'
}
