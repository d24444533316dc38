test_a_wider_wick_draws_more() {
    equal "$(wick_draw 8)" 10.00
    equal "$(wick_draw 16)" 20.00
}

test_half_a_litre_lasts_two_days() {
    equal "$(burn_hours 500 8)" 50.0
}

# Burns a lamp down hour by hour and looks at it each time.
test_a_whole_night() {
    oil=100
    hour=0
    while [ "$hour" -lt 10 ]; do
        oil=$(awk -v oil="$oil" -v rate="$(wick_draw 8)" 'BEGIN { print oil - rate }')
        hour=$((hour + 1))
        echo "hour $hour: $oil ml left"
        sleep 0.4
    done
    equal "$oil" 0
}
