test_a_night_wants_a_cup() {
    equal "$(refill 10 8)" 100.0
}
