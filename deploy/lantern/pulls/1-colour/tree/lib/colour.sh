# What a flame looks like.

# The colour at a wick of this width (mm): a narrow one burns hotter.
flame_colour() {
    if [ "$1" -lt 6 ]; then echo white; else echo amber; fi
}
