#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Between fork and exec only async-signal-safe calls are allowed: the parent may have had other threads.

static const char *const steps[] = {
    "descriptors", "session", "limits", "groups", "group", "user", "directory", "signals", "exec",
};

enum step { DESCRIPTORS, SESSION, LIMITS, GROUPS, GROUP, USER, DIRECTORY, SIGNALS, EXEC };

struct failure {
    enum step step;
    int code;
};

static void fail(int report, enum step step) {
    struct failure failure = {step, errno};
    ssize_t ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

static void set_limit(int report, int resource, uint64_t value) {
    struct rlimit limit = {value, value}, now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
    if (setrlimit(resource, &limit) != 0) fail(report, LIMITS);
}

static void child(const clinux_spawn_options *o, int report, pid_t parent) {
    // First out of the way, then into place: the wanted numbers may be taken by one another, or by `report`.
    const int far = 100;
    int moved[16];
    if (o->descriptor_count > 16) {
        errno = EINVAL;
        fail(report, DESCRIPTORS);
    }
    report = fcntl(report, F_DUPFD_CLOEXEC, far);
    for (int i = 0; i < o->descriptor_count; i++)
        if ((moved[i] = fcntl(o->descriptors[i], F_DUPFD_CLOEXEC, far)) < 0) fail(report, DESCRIPTORS);
    for (int i = 0; i < o->descriptor_count; i++)
        if (dup2(moved[i], i) < 0) fail(report, DESCRIPTORS);
    // Marks rather than closes: `report` must live until exec.
    if (syscall(SYS_close_range, (unsigned)o->descriptor_count, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        long most = sysconf(_SC_OPEN_MAX);
        for (int i = o->descriptor_count; i < most && i < 65536; i++) fcntl(i, F_SETFD, FD_CLOEXEC);
    }

    if (o->new_session && setsid() < 0) fail(report, SESSION);
    umask(o->mask);
    set_limit(report, RLIMIT_CORE, 0);
    if (o->file_size_limit) set_limit(report, RLIMIT_FSIZE, o->file_size_limit);
    if (o->process_limit) set_limit(report, RLIMIT_NPROC, o->process_limit);
    if (o->oom_score) {
        int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (file >= 0) {
            char digits[8];
            int i = sizeof digits, value = o->oom_score;
            for (; value > 0 && i > 0; value /= 10) digits[--i] = (char)('0' + value % 10);
            ssize_t ignored = write(file, digits + i, sizeof digits - i);
            (void)ignored;
            close(file);
        }
    }
    if (o->change_user) {
        // The raw calls: glibc's wrappers tell every thread of the process, and here there is one.
        if (syscall(SYS_setgroups, 0, NULL) != 0) fail(report, GROUPS);
        if (syscall(SYS_setresgid, o->group, o->group, o->group) != 0) fail(report, GROUP);
        if (syscall(SYS_setresuid, o->user, o->user, o->user) != 0) fail(report, USER);
    }
    if (o->no_new_privileges) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // After the change of user, which clears it. Whether the parent died before that shows in its id.
    if (o->death_signal) {
        prctl(PR_SET_PDEATHSIG, o->death_signal, 0, 0, 0);
        if (getppid() != parent) _exit(127);
    }
    if (chdir(o->directory) != 0) fail(report, DIRECTORY);

    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) fail(report, SIGNALS);

    int code = ENOENT;
    for (const char *const *candidate = o->candidates; *candidate; candidate++) {
        execve(*candidate, o->arguments, o->environment);
        // As a shell does: what is absent is passed over, what is there and cannot be executed is remembered.
        if (errno == ENOENT || errno == ENOTDIR) continue;
        code = errno;
        if (errno != EACCES) break;
    }
    errno = code;
    fail(report, EXEC);
}

pid_t clinux_spawn(const clinux_spawn_options *options, const char **failed_step) {
    int report[2];
    *failed_step = "pipe";
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    sigset_t all, before;
    sigfillset(&all);
    // No handler of the parent's may run in the child.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *failed_step = "fork";
    pid_t parent = getpid();
    pid_t process = fork();
    if (process == 0) child(options, report[1], parent);
    int code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (process < 0) {
        close(report[0]);
        errno = code;
        return -1;
    }
    struct failure failure;
    ssize_t count;
    do count = read(report[0], &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count != sizeof failure) return process;
    waitpid(process, NULL, 0);
    *failed_step = steps[failure.step];
    errno = failure.code;
    return -1;
}

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_forbid_inspection(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int clinux_kill_user(uint32_t user, uint32_t group) {
    pid_t process = fork();
    if (process < 0) return -1;
    if (process == 0) {
        if (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setresgid, group, group, group) != 0
            || syscall(SYS_setresuid, user, user, user) != 0)
            _exit(errno & 0x7f);
        // Everything this user may signal: its own processes, except the caller.
        if (kill(-1, SIGKILL) != 0 && errno != ESRCH) _exit(errno & 0x7f);
        _exit(0);
    }
    int status = 0;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR) return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    // Another process killed everything of this user first, the messenger included.
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return 0;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
    return -1;
}

static int signal_pipe[2] = {-1, -1};

static void note_signal(int number) {
    int before = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t ignored = write(signal_pipe[1], &byte, 1);
    (void)ignored;
    errno = before;
}

int clinux_signal_descriptor(void) {
    if (signal_pipe[0] >= 0) return signal_pipe[0];
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    sigemptyset(&action.sa_mask);
    int numbers[] = {SIGCHLD, SIGTERM, SIGINT};
    for (int i = 0; i < 3; i++)
        if (sigaction(numbers[i], &action, NULL) != 0) return -1;
    return signal_pipe[0];
}

int clinux_take_signal(int descriptor) {
    unsigned char byte;
    return read(descriptor, &byte, 1) == 1 ? byte : 0;
}

static pid_t wait_for(pid_t process, int options, int *code, int *signal) {
    int status = 0;
    pid_t ended;
    do ended = waitpid(process, &status, options);
    while (ended < 0 && errno == EINTR);
    if (ended <= 0) return ended;
    *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *code = *signal ? 128 + *signal : WEXITSTATUS(status);
    return ended;
}

pid_t clinux_reap(int *code, int *signal) { return wait_for(-1, WNOHANG, code, signal); }

pid_t clinux_wait(pid_t process, int *code, int *signal) { return wait_for(process, 0, code, signal); }

int clinux_private_mounts(void) {
    if (unshare(CLONE_NEWNS) != 0) return -1;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int clinux_bind_mount(const char *source, const char *target) {
    return mount(source, target, NULL, MS_BIND, NULL);
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
