/* The static prober: process 1 of a guest, or a program in a container or on the host.

   prober                          as process 1 beside /lab/plan: the guest's whole life
   prober probe [hold] [#MARK] [NAME:TRACED:PATH:ARGUMENT ...]
                                   the calls, then programs of this file system; with hold it then
                                   waits a while, so that its confinement can be read from outside */
#include "raw.h"

static int split(char *text, char **parts, int limit) {
    int count = 0;
    parts[count++] = text;
    for (; *text; text++)
        if (*text == ':' && count < limit) { *text = 0; parts[count++] = text + 1; }
    return count;
}

int prober(long *stack) {
    long count = stack[0];
    char **args = (char **)(stack + 1);
    struct line l;
    int hold = 0;
    if (S0(N_getpid) == 1 && count < 2) return guest();
    if (count < 2 || !same(args[1], "probe")) return 2;
    probe_calls();
    for (long i = 2; i < count; i++) {
        char *parts[4];
        if (same(args[i], "hold")) { hold = 1; continue; }
        if (args[i][0] == '#') continue; /* a mark by which this process is found from outside */
        if (split(args[i], parts, 4) != 4) return 2;
        char *inner[] = {parts[2], parts[3], 0};
        run_program(parts[0], -1, parts[2], inner, same(parts[1], "1"));
    }
    begin(&l, "done");
    say(&l);
    if (hold) {
        long wait[2] = {20, 0};
        S2(N_nanosleep, wait, 0);
    }
    return 0;
}

void leave_with(long *stack) __attribute__((noreturn, used));
void leave_with(long *stack) { leave(prober(stack)); }

__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call leave_with\n");
