test_a_night_wants_a_cup() {
    equal "$(refill 10 8)" 100.0
}

# Looks at every hour of a day.
test_a_longer_night_wants_more() {
    hour=1
    while [ "$hour" -le 8 ]; do
        equal "$(refill "$hour" 8)" "$((hour * 10)).0"
        hour=$((hour + 1))
        sleep 0.4
    done
}
