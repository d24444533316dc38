test_who_am_i() {
    id
}
