test_twice_the_distance_is_a_quarter_of_the_light() {
    equal "$(lux_at 100 1)" 100.00
    equal "$(lux_at 100 2)" 25.00
}
