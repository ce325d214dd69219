/* Each system call once, with arguments that change nothing outside of the calling process. A call
   is made in a process of its own, so that one that kills its caller is seen, not suffered. */
#include "raw.h"

static int zeros[64];
static char page[4096] __attribute__((aligned(4096)));

static long memory_file(void) { return S2(319, "lab", 1); }

static long mapped(void) { return S6(N_mmap, 0, 4096, 3, 0x22, -1, 0); } /* private, anonymous */

static long p_clone(void) {
    long pid = spawn();
    if (pid == 0) leave(0);
    if (pid > 0) awaited(pid);
    return pid;
}
static long p_clone3(void) {
    u64 args[8] = {0};
    args[4] = SIGCHLD_; /* exit_signal */
    long pid = S2(435, args, sizeof args);
    if (pid == 0) leave(0);
    if (pid > 0) awaited(pid);
    return pid;
}
static long p_memfd_secret(void) { return S1(447, 0); }
static long p_openat2(void) {
    u64 how[3] = {010000000 | 02000000, 0, 0}; /* O_PATH | O_CLOEXEC */
    return S4(437, AT_CWD, "/", how, sizeof how);
}
static long p_close_range(void) { return S3(436, 1000000, 1000001, 0); }
static long p_faccessat2(void) { return S4(439, AT_CWD, "/", 0, 0x200); } /* AT_EACCESS */
static long p_epoll_pwait2(void) {
    long file = S1(291, 0);
    u64 zero[2] = {0, 0};
    char event[16];
    return S6(441, file, event, 1, zero, 0, 8);
}
static long p_landlock_create_ruleset(void) { return S3(444, 0, 0, 1); } /* asks the version */
static long p_io_uring_setup(void) {
    int params[30];
    memset(params, 0, sizeof params);
    return S2(425, 1, params);
}
static long p_futex_waitv(void) { /* the value differs: it answers EAGAIN and never waits */
    struct { u64 val, uaddr; u32 flags, reserved; } one = {1, (u64)zeros, 2 | 128, 0};
    return S5(449, &one, 1, 0, 0, 0);
}
static long p_futex_wake(void) { return S4(454, zeros, ~0UL >> 32, 1, 2 | 128); }
static long p_cachestat(void) {
    u64 range[2] = {0, 0}, stat[5];
    return S4(451, memory_file(), range, stat, 0);
}
static long p_fchmodat2(void) { return S4(452, memory_file(), "", 0600, 0x1000); }
static long p_map_shadow_stack(void) { return S3(453, 0, 4096, 1); }
static long p_mseal(void) { return S3(462, mapped(), 4096, 0); }
static long p_statx(void) {
    char answer[256];
    return S5(332, AT_CWD, "/", 0, 0x7ff, answer);
}
static long p_pidfd_open(void) { return S2(434, S0(N_getpid), 0); }
static long p_pidfd_getfd(void) { return S3(438, S2(434, S0(N_getpid), 0), 1, 0); }
static long p_process_madvise(void) {
    u64 vector[2] = {(u64)page, 4096};
    return S5(440, S2(434, S0(N_getpid), 0), vector, 1, 20, 0); /* MADV_COLD */
}
static long p_process_mrelease(void) { return S2(448, -1, 0); }
static long p_quotactl_fd(void) { return S4(443, -1, 0x80000100, 0, 0); }
static long p_mount_setattr(void) { return S5(442, -1, "", 0x1000, zeros, 32); } /* no change */
static long p_set_mempolicy_home_node(void) {
    long at = mapped();
    ulong nodes = 1;
    long bound = S6(237, at, 4096, 2, &nodes, 2, 0); /* mbind: MPOL_BIND to node 0 */
    (void)bound;
    return S4(450, at, 4096, 0, 0);
}
static long p_memfd_create(void) { return memory_file(); }
static long p_userfaultfd(void) { return S1(323, 02000000); }
static long p_bpf(void) {
    u32 attr[12] = {2, 4, 4, 1}; /* an array of one number */
    return S3(321, 0, attr, sizeof attr);
}
static long p_perf_event_open(void) {
    u64 attr[8] = {1 | (64UL << 32), 9}; /* the software counter that counts nothing */
    return S5(298, attr, 0, -1, -1, 8);
}
static long p_membarrier(void) { return S3(324, 0, 0, 0); }
static long p_rseq(void) {
    static u32 area[8] __attribute__((aligned(32)));
    return S4(334, area, 32, 0, 0x53053053);
}
static long p_getrandom(void) { return S3(318, page, 8, 1); }
static long p_copy_file_range(void) { return S6(326, memory_file(), 0, memory_file(), 0, 0, 0); }
static long p_preadv2(void) {
    u64 vector[2] = {(u64)page, 16};
    return S6(327, memory_file(), vector, 1, 0, 0, 0);
}
static long p_renameat2(void) {
    return S5(316, AT_CWD, "/no-such-file-of-lab", AT_CWD, "/no-such-file-of-lab-2", 1);
}
static long p_statmount(void) {
    u64 answer[64], facts[32] = {0};
    S5(332, AT_CWD, "/", 0, 0x4000, facts); /* STATX_MNT_ID_UNIQUE */
    u64 request[3] = {24, facts[18], 1}; /* stx_mnt_id is at byte 144 */
    return S4(457, request, answer, sizeof answer, 0);
}
static long p_listmount(void) {
    u64 request[3] = {24, ~0UL, 0}, found[1];
    return S4(458, request, found, 1, 0);
}
static long p_lsm_list_modules(void) {
    u64 found[32];
    u32 size = sizeof found;
    return S3(461, found, &size, 0);
}
static long p_getxattrat(void) {
    u64 args[2] = {(u64)page, 16};
    return S6(464, AT_CWD, "/", 0, "user.lab", args, sizeof args);
}
static long p_open_tree_attr(void) { return S5(467, AT_CWD, "/no-such-file-of-lab", 0, 0, 0); }

static const struct { const char *name; long (*call)(void); } CALLS[] = {
#define CALL(n) {#n, p_##n}
    CALL(clone), CALL(clone3), CALL(memfd_secret), CALL(openat2), CALL(close_range),
    CALL(faccessat2), CALL(epoll_pwait2), CALL(landlock_create_ruleset), CALL(io_uring_setup),
    CALL(futex_waitv), CALL(futex_wake), CALL(cachestat), CALL(fchmodat2), CALL(map_shadow_stack),
    CALL(mseal), CALL(statx), CALL(pidfd_open), CALL(pidfd_getfd), CALL(process_madvise),
    CALL(process_mrelease), CALL(quotactl_fd), CALL(mount_setattr), CALL(set_mempolicy_home_node),
    CALL(memfd_create), CALL(userfaultfd), CALL(bpf), CALL(perf_event_open), CALL(membarrier),
    CALL(rseq), CALL(getrandom), CALL(copy_file_range), CALL(preadv2), CALL(renameat2),
    CALL(statmount), CALL(listmount), CALL(lsm_list_modules), CALL(getxattrat),
    CALL(open_tree_attr),
};

void probe_calls(void) {
    struct line l;
    /* Shared with the children: what the call returned, and whether it returned. */
    volatile long *seen = (long *)S6(N_mmap, 0, 4096, 3, 0x21, -1, 0);
    for (ulong i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
        if ((ulong)seen > -4096UL) { seen = 0; break; }
        seen[0] = 0;
        seen[1] = 0;
        long pid = spawn();
        if (pid == 0) {
            S1(N_alarm, 5);
            seen[1] = CALLS[i].call();
            seen[0] = 1;
            leave(0);
        }
        long status = pid < 0 ? 0 : awaited(pid);
        begin(&l, "call");
        word(&l, CALLS[i].name);
        if (pid < 0) { word(&l, "nofork"); number(&l, -pid); }
        else if (!seen[0] && (status & 127)) { word(&l, "killed"); number(&l, status & 127); }
        else if (!seen[0]) { word(&l, "lost"); number(&l, status); }
        else if (seen[1] < 0 && seen[1] > -4096) { word(&l, "error"); number(&l, -seen[1]); }
        else { word(&l, "value"); number(&l, seen[1]); }
        say(&l);
    }
    begin(&l, "calls");
    number(&l, seen ? (long)(sizeof CALLS / sizeof *CALLS) : -1);
    say(&l);
}
