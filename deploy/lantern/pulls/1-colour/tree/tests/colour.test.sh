test_a_narrow_wick_burns_white() {
    equal "$(flame_colour 4)" white
    equal "$(flame_colour 8)" amber
}
