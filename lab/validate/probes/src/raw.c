/* Text, processes and the compiler's own needs. */
#include "raw.h"

const char *about_root = "-", *about_confinement = "-";

ulong length(const char *s) { ulong n = 0; while (s[n]) n++; return n; }

int same(const char *a, const char *b) {
    while (*a && *a == *b) { a++; b++; }
    return *a == *b;
}

/* gcc may call these two for structures even in freestanding code. */
void *memset(void *to, int c, ulong n) {
    char *p = to;
    while (n--) *p++ = (char)c;
    return to;
}

void *memcpy(void *to, const void *from, ulong n) {
    char *p = to;
    const char *q = from;
    while (n--) *p++ = *q++;
    return to;
}

void word(struct line *l, const char *s) {
    if (l->used && l->used < LINE - 1) l->text[l->used++] = ' ';
    for (; *s && l->used < LINE - 1; s++)
        l->text[l->used++] = (*s < 32 || *s > 126) ? '?' : *s;
}

void number(struct line *l, long n) {
    char digits[24];
    int at = 23;
    ulong rest = n < 0 ? -(ulong)n : (ulong)n;
    digits[at] = 0;
    do digits[--at] = (char)('0' + rest % 10); while (rest /= 10);
    if (n < 0) digits[--at] = '-';
    word(l, digits + at);
}

void say(struct line *l) {
    ulong at = 0;
    l->text[l->used++] = '\n';
    while (at < l->used) {
        long n = S3(N_write, 1, l->text + at, l->used - at);
        if (n <= 0) break;
        at += (ulong)n;
    }
    l->used = 0;
}

void begin(struct line *l, const char *kind) {
    l->used = 0;
    word(l, "@lab");
    word(l, about_root);
    word(l, about_confinement);
    word(l, kind);
}

long spawn(void) { return S5(N_clone, SIGCHLD_, 0, 0, 0, 0); }

long awaited(long pid) {
    int status = 0;
    long got;
    do got = S4(N_wait4, pid, &status, 0, 0); while (got == -4);
    return status;
}

void leave(int code) {
    for (;;) S1(N_exit_group, code);
}
