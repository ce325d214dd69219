/* Programs that use the image's own C library, run and listened to; traced where asked. */
#include "raw.h"

enum { TRACEME = 0, SYSCALL = 24, SETOPTIONS = 0x4200, GETREGS = 12, HIGHEST = 512 };

static void execute(int file, const char *path, char **args) {
    static char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", 0};
    if (path) {
        leave(S3(N_execve, path, args, environment) == -2 ? 126 : 127);
    }
    /* By the open file: the program itself need not be in the image. */
    long error = S5(N_execveat, file, "", args, environment, 0x1000);
    leave(error == -2 ? 126 : 127);
}

/* Tell once of each call that was used, and of each refusal that a libc may have to live with. */
static void told(const char *name, char *seen, long nr, long result) {
    struct line l;
    int refused = result < 0 && result > -4096;
    char bit = refused ? 2 : 1;
    if (nr < 0 || nr >= HIGHEST || (seen[nr] & bit)) return;
    seen[nr] |= bit;
    begin(&l, "used");
    word(&l, name);
    number(&l, nr);
    number(&l, refused ? result : 0);
    say(&l);
}

static long traced_to_the_end(const char *name, long pid) {
    char seen[HIGHEST];
    long status = awaited(pid); /* the stop behind execve */
    int inside = 0;
    memset(seen, 0, sizeof seen);
    S4(N_ptrace, SETOPTIONS, pid, 0, 1 | 0x100000); /* TRACESYSGOOD, EXITKILL */
    while ((status & 0xff) == 0x7f) {
        long stop = status >> 8 & 0xff, pass = 0;
        if (stop == (5 | 0x80)) {
            long registers[27];
            inside = !inside;
            if (!inside && S4(N_ptrace, GETREGS, pid, 0, registers) == 0)
                told(name, seen, registers[15], registers[10]); /* orig_rax, rax */
        } else if (stop != 5) {
            pass = stop;
        }
        if (S4(N_ptrace, SYSCALL, pid, 0, pass) < 0) break;
        status = awaited(pid);
    }
    return status;
}

static void repeat(const char *name, int from) {
    char text[1024];
    struct line l;
    ulong total = 0;
    long n;
    int open = 0;
    while ((n = S3(N_read, from, text, sizeof text)) > 0) {
        for (long i = 0; i < n && total < 32768; i++, total++) {
            char one[2] = {text[i], 0};
            if (text[i] == '\n') { if (open) say(&l); open = 0; continue; }
            if (!open) { begin(&l, "out"); word(&l, name); word(&l, ""); open = 1; }
            if (l.used < LINE - 1)
                l.text[l.used++] = (one[0] < 32 || one[0] > 126) ? '?' : one[0];
        }
    }
    if (open) say(&l);
}

void run_program(const char *name, int file, const char *path, char **args, int traced) {
    struct line l;
    int ends[2];
    long piped = S2(N_pipe2, ends, 02000000);
    long pid = piped < 0 ? piped : spawn();
    if (pid == 0) {
        S1(N_alarm, 20);
        S2(N_dup2, ends[1], 1);
        S2(N_dup2, ends[1], 2);
        if (traced) S4(N_ptrace, TRACEME, 0, 0, 0);
        execute(file, path, args);
    }
    begin(&l, "exit");
    word(&l, name);
    if (pid < 0) {
        word(&l, "nofork");
        number(&l, -pid);
        say(&l);
        return;
    }
    S1(N_close, ends[1]);
    long status;
    if (traced) { /* it prints less than a pipe holds: what it said waits there */
        status = traced_to_the_end(name, pid);
        repeat(name, ends[0]);
    } else {
        repeat(name, ends[0]);
        status = awaited(pid);
    }
    S1(N_close, ends[0]);
    word(&l, status & 127 ? "signal" : "code");
    number(&l, status & 127 ? status & 127 : status >> 8 & 0xff);
    say(&l);
}
