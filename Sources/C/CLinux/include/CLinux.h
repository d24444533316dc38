#pragma once

// MARK: SocketLoop

/// A non-blocking, close-on-exec eventfd(2) at 0, or -1 with errno set.
int clinux_eventfd(void);

/// Names the calling thread as `top -H` and debuggers show it; cut to the kernel's 15 bytes.
void clinux_name_thread(const char *name);

// MARK: Execution

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// How clinux_spawn starts a process. Every pointer only has to live for the call.
typedef struct {
    /// Tried in order until one can be executed (the entries of a PATH); ends with NULL.
    const char *const *candidates;
    char *const *arguments;
    char *const *environment;
    /// Working folder, entered as the user below.
    const char *directory;
    /// Become 0, 1, 2 … of the process; every other descriptor is closed.
    const int *descriptors;
    int descriptor_count;
    /// A session (and process group) of its own.
    bool new_session;
    /// Switch to `user` and `group`, without supplementary groups.
    bool change_user;
    uint32_t user;
    uint32_t group;
    /// Sent when the thread that called clinux_spawn ends; 0 for none.
    int death_signal;
    /// No setuid program, file capability or security label gives the process more rights than it has.
    bool no_new_privileges;
    uint32_t mask;
    /// 0 = as inherited.
    uint64_t file_size_limit;
    /// 0 = as inherited.
    uint64_t process_limit;
    /// Added to the chance of being picked when memory runs out.
    int oom_score;
} clinux_spawn_options;

/// Starts a process with default signal handling and an empty signal mask.
///
/// Returns its id. On failure returns -1 with errno set and `*failed_step` naming what failed ("exec" for a program
/// that cannot be executed).
pid_t clinux_spawn(const clinux_spawn_options *options, const char **failed_step);

/// Orphaned descendants of the calling process become its children.
int clinux_become_subreaper(void);

/// Keeps processes of the same user from reading the caller's memory and environment.
int clinux_forbid_inspection(void);

/// SIGKILLs every process of a user, all at once, so that none can escape by forking. Needs root. 0, or -1 with errno.
int clinux_kill_user(uint32_t user, uint32_t group);

/// Handles SIGCHLD, SIGTERM and SIGINT from now on: returns the process's one descriptor that is readable while one of
/// them was not taken. A handler and a pipe rather than signalfd(2), which misses what is sent to other threads.
int clinux_signal_descriptor(void);

/// Takes one pending signal from such a descriptor; 0 where there is none.
int clinux_take_signal(int descriptor);

/// Waits for any child without blocking: its id and in `*code` the exit code, or 128 + the signal that ended it (then
/// `*signal` is that signal, else 0). 0 when children run on, -1 when there are none.
pid_t clinux_reap(int *code, int *signal);

/// The same for one child, waiting until it has ended.
pid_t clinux_wait(pid_t process, int *code, int *signal);

/// Gives the process a mount namespace of its own, from which nothing propagates back. Needs root; 0, or -1 with errno.
int clinux_private_mounts(void);

/// Mounts the folder `source` over `target` as well. 0, or -1 with errno.
int clinux_bind_mount(const char *source, const char *target);

/// A pipe, reading end first, both closed on exec. 0, or -1 with errno.
int clinux_pipe(int ends[2]);
