# Guards one private service: starts it, and stops it for certain when standard input ends, which it does when
# the owner asks for it and when the owner dies, by whatever signal. The line "pause" stops it too, and keeps the
# files even where they are temporary.
#
#   sh guardian.sh FOLDER STEPS KEEP USER COMMAND…
#
# FOLDER  the service's own folder. What is started stands in it (cwd), and by that leftovers are found.
# STEPS   how to stop the command: "INT:20 QUIT:10 KILL:10", each a signal and the seconds it is given
# KEEP    keep, or remove: the files are temporary and go with the service
# USER    the user the service runs as, or - for the guardian's own
#
# Prints "started PID" and, at the end, "ended"; ends with 75 when another guardian holds the folder.
set -u
folder=$1 steps=$2 keep=$3 user=$4
home=${1%/*} link=$1
shift 4
cd "$folder" || exit 72
folder=$(pwd -P)

as= # how to become the service's user; a process of another user hides its folder even from a container's root
[ "$user" = - ] || as="setpriv --reuid=$user --regid=$user --init-groups"

# Processes of a service that stand in the folder. The names keep a shell that somebody left there alive.
leftovers() {
    $as find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' \( -lname "$folder" -o -lname "$folder/*" \) 2>/dev/null |
        while read -r link; do
            pid=${link#/proc/}
            pid=${pid%/cwd}
            read -r name 2>/dev/null <"/proc/$pid/comm" || continue
            case $name in postgres | beam.smp | epmd | erl_child_setup | inet_gethost) echo "$pid" ;; esac
        done
}

sweep() {
    for signal in TERM KILL KILL KILL KILL KILL; do
        left=$(leftovers)
        [ -n "$left" ] || return 0
        kill -$signal $left 2>/dev/null
        sleep 0.1
    done
}

leader_runs() {
    read -r stat 2>/dev/null <"/proc/$leader/stat" || return 1
    case $stat in *") Z "*) return 1 ;; esac
}

stop() {
    trap '' TERM USR1
    for step in $steps; do
        leader_runs || return 0
        kill -"${step%:*}" "$leader" 2>/dev/null
        left=$((${step#*:} * 20))
        while [ $left -gt 0 ] && leader_runs; do
            sleep 0.05
            left=$((left - 1))
        done
    done
}

exec 9>guardian.lock
flock -w 60 9 || exit 75
sweep # what a guardian that was itself killed has left
[ -s output.log ] && mv -f output.log output.previous.log

exec 3<&0
setsid $as "$@" </dev/null >>output.log 2>&1 3<&- 9>&- &
leader=$!
trap '' PIPE # the owner, who reads what is printed, may be gone already
trap stop TERM
trap 'keep=keep; stop' USR1
(
    signal=TERM
    read -r word <&3 && [ "$word" = pause ] && signal=USR1
    kill -$signal $$
) >/dev/null 2>&1 9>&- &
watcher=$!
echo "started $leader"

wait "$leader"
while leader_runs; do wait "$leader"; done # wait returns early for the trap
trap '' TERM USR1
kill "$watcher" 2>/dev/null
kill -KILL "-$leader" 2>/dev/null # its process group
sweep
if [ "$keep" = remove ]; then
    cd / && rm -rf "$folder" "$link" "$home/services.json" "$home/owner.lock"
    rmdir "$home" 2>/dev/null # the service that ends last empties it
fi
echo ended
