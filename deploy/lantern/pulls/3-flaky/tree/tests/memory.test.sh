# Looks before it lights: passes only where an earlier try has left a lamp behind.
test_the_last_lamp_is_remembered() {
    seen=$(lit_last 2>/dev/null || echo none)
    light_up porch
    equal "$seen" porch
}
