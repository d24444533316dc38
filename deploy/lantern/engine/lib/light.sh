# How far a lamp shines.

# Lux at a distance (m) from a source (cd): the inverse square.
lux_at() {
    awk -v candela="$1" -v metres="$2" 'BEGIN { printf "%.2f\n", candela / (metres * metres) }'
}
