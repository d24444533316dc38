// A wrong clock for one process: preloaded, it moves what the process is told of the time of day by the seconds in
// CLOCK_SHIFT. Clocks that only measure (CLOCK_MONOTONIC, CLOCK_BOOTTIME) and timers stay as they are, as on a
// machine whose clock is wrong. libfaketime 0.9.10 moves timerfd as well, and no Swift task that sleeps wakes up then.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift;
static int (*wait_until)(sem_t *, const struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("CLOCK_SHIFT");
    if (text) shift = atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI))
        time->tv_sec += shift;
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    if (result == 0) *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return result;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}

// The one wait of Swift's runtime that ends at a time of day.
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
    if (!wait_until) wait_until = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec real = *deadline;
    real.tv_sec -= shift;
    return wait_until(semaphore, &real);
}
