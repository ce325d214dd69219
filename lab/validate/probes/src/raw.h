/* System calls and text without any C library: all that the static prober stands on (x86-64). */
#ifndef RAW_H
#define RAW_H

typedef unsigned long ulong;
typedef unsigned int u32;
typedef unsigned long long u64;

enum { AT_CWD = -100, SIGCHLD_ = 17, LINE = 512 };
enum {
    N_read = 0, N_write = 1, N_open = 2, N_close = 3, N_mmap = 9, N_ioctl = 16, N_dup2 = 33,
    N_alarm = 37, N_getpid = 39, N_clone = 56, N_execve = 59, N_exit = 60, N_wait4 = 61,
    N_kill = 62, N_chdir = 80, N_mkdir = 83, N_ptrace = 101, N_capset = 126, N_prctl = 157,
    N_chroot = 161, N_mount = 165, N_reboot = 169, N_exit_group = 231, N_nanosleep = 35,
    N_pipe2 = 293, N_finit_module = 313, N_seccomp = 317, N_execveat = 322
};

static inline long sys(long n, long a, long b, long c, long d, long e, long f) {
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
#define S0(n) sys(n, 0, 0, 0, 0, 0, 0)
#define S1(n, a) sys(n, (long)(a), 0, 0, 0, 0, 0)
#define S2(n, a, b) sys(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define S3(n, a, b, c) sys(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define S4(n, a, b, c, d) sys(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define S5(n, a, b, c, d, e) sys(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define S6(n, a, b, c, d, e, f) \
    sys(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

void *memset(void *to, int c, ulong n);
void *memcpy(void *to, const void *from, ulong n);
ulong length(const char *s);
int same(const char *a, const char *b);

/* One line of the answer, built up and then written by one call, so that lines never mix. */
struct line { char text[LINE]; ulong used; };
void word(struct line *l, const char *s);
void number(struct line *l, long n);
void say(struct line *l);

/* The words that begin each line: which root and which confinement it tells of. */
extern const char *about_root, *about_confinement;
void begin(struct line *l, const char *kind);

long spawn(void); /* fork: 0 in the child */
long awaited(long pid); /* the wait status */
void leave(int code) __attribute__((noreturn));

void probe_calls(void);
void run_program(const char *name, int file, const char *path, char **args, int traced);
int guest(void);

#endif
