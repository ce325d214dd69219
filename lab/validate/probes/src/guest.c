/* Process 1 of a guest: reads /lab/plan, mounts the roots, probes in each, and ends the machine.

   module FILE                     load it
   root NAME FILE                  a squashfs image: mounted read-only through a loop device
   confine NAME FILE|- CAPS        run again under this filter with these capabilities (decimal)
   program NAME FILE TRACED ARG    run it after the calls */
#include "raw.h"

enum { MOST = 16, MOST_PROGRAMS = 64, ARGUMENTS = 4 };
struct confinement { const char *name, *file; ulong capabilities; };
struct program { const char *name; int file; int traced; char *args[ARGUMENTS]; };

static char text[32768], filter[65536];
static struct confinement confinements[MOST];
static struct program programs[MOST_PROGRAMS];
static const char *roots[MOST];
static int confinement_count, program_count, root_count;

static void failed(const char *what, const char *which, long error) {
    struct line l;
    begin(&l, "failed");
    word(&l, what);
    word(&l, which);
    number(&l, -error);
    say(&l);
}

static long content(const char *path, char *to, long size) {
    long file = S3(N_open, path, 02000000, 0), used = 0, n = 0;
    if (file < 0) return file;
    while (used < size && (n = S3(N_read, file, to + used, size - used)) > 0) used += n;
    S1(N_close, file);
    return n < 0 ? n : used;
}

static ulong decimal(const char *s) {
    ulong n = 0;
    for (; *s >= '0' && *s <= '9'; s++) n = n * 10 + (ulong)(*s - '0');
    return n;
}

static void path(char *to, const char *a, const char *b) {
    while (*a) *to++ = *a++;
    while (*b) *to++ = *b++;
    *to = 0;
}

static void module(const char *file) {
    long open = S3(N_open, file, 02000000, 0);
    long done = open < 0 ? open : S3(N_finit_module, open, "", 0);
    if (done < 0 && done != -17) failed("module", file, done); /* 17: it is built in */
    S1(N_close, open);
}

static void root(const char *name, const char *file) {
    char point[64], inner[96], device[] = "/dev/loop0";
    long image = S3(N_open, file, 02000000, 0), loop, done;
    device[9] = (char)('0' + root_count);
    loop = S3(N_open, device, 02000000, 0);
    if (loop < 0) { failed("loop", name, loop); return; }
    done = S3(N_ioctl, loop, 0x4c00, image); /* LOOP_SET_FD */
    path(point, "/roots/", name);
    S2(N_mkdir, point, 0755);
    if (done == 0) done = S5(N_mount, device, point, "squashfs", 1, 0);
    if (done < 0) { failed("root", name, done); return; }
    path(inner, point, "/proc");
    S5(N_mount, "proc", inner, "proc", 0, 0);
    path(inner, point, "/dev");
    S5(N_mount, "/dev", inner, 0, 4096, 0);
    path(inner, point, "/tmp");
    S5(N_mount, "tmpfs", inner, "tmpfs", 0, 0);
    roots[root_count++] = name;
}

static void keep(char **words, int count) {
    struct program *one = &programs[program_count];
    long open = S3(N_open, words[2], 02000000, 0);
    if (open < 0) { failed("program", words[1], open); return; }
    one->name = words[1];
    one->file = (int)open;
    one->traced = same(words[3], "1");
    one->args[0] = words[1];
    one->args[1] = count > 4 ? words[4] : 0;
    program_count++;
}

static void line_of_plan(char *at) {
    char *words[6] = {0};
    int count = 0;
    while (*at && count < 6) {
        words[count++] = at;
        while (*at && *at != ' ') at++;
        if (*at) *at++ = 0;
    }
    if (count == 2 && same(words[0], "module")) module(words[1]);
    if (count == 3 && same(words[0], "root") && root_count < 8) root(words[1], words[2]);
    if (count >= 4 && same(words[0], "program") && program_count < MOST_PROGRAMS) keep(words, count);
    if (count == 4 && same(words[0], "confine") && confinement_count < MOST) {
        struct confinement one = {words[1], words[2], decimal(words[3])};
        confinements[confinement_count++] = one;
    }
}

static void read_plan(void) {
    long size = content("/lab/plan", text, sizeof text - 1);
    char *start = text;
    if (size < 0) { failed("plan", "/lab/plan", size); return; }
    for (char *at = text; at < text + size; at++)
        if (*at == '\n') { *at = 0; line_of_plan(start); start = at + 1; }
}

/* As a container's runtime does: fewer capabilities, then the filter. */
static long confine(const struct confinement *to, long filter_size) {
    struct { unsigned short len; void *filter; } program = {0, filter};
    u32 header[2] = {0x20080522, 0};
    u32 low = (u32)to->capabilities, high = (u32)(to->capabilities >> 32);
    u32 sets[6] = {low, low, 0, high, high, 0};
    for (int cap = 0; cap < 64; cap++)
        if (!(to->capabilities >> cap & 1)) S5(N_prctl, 24, cap, 0, 0, 0); /* CAPBSET_DROP */
    S5(N_prctl, 38, 1, 0, 0, 0); /* NO_NEW_PRIVS: the filter needs no capability then */
    long done = S2(N_capset, header, sets);
    if (done < 0 || filter_size == 0) return done;
    program.len = (unsigned short)(filter_size / 8);
    return S3(N_seccomp, 1, 0, &program);
}

static void probe(const char *in, const struct confinement *to) {
    char point[64];
    about_root = in ? in : "-";
    about_confinement = to ? to->name : "bare";
    long size = to && !same(to->file, "-") ? content(to->file, filter, sizeof filter) : 0;
    long pid = size < 0 ? size : spawn();
    if (pid == 0) {
        long done = 0;
        if (in) {
            path(point, "/roots/", in);
            done = S1(N_chdir, point);
            if (done == 0) done = S1(N_chroot, ".");
        }
        if (done == 0 && to) done = confine(to, size);
        if (done < 0) { failed("confine", about_confinement, done); leave(1); }
        probe_calls();
        for (int i = 0; i < program_count && in; i++)
            run_program(programs[i].name, programs[i].file, 0, programs[i].args,
                        programs[i].traced);
        leave(0);
    }
    long status = pid < 0 ? pid : awaited(pid);
    if (status) failed("probe", about_confinement, -status);
    about_root = about_confinement = "-";
}

int guest(void) {
    struct line l;
    S2(N_mkdir, "/roots", 0755);
    S5(N_mount, "proc", "/proc", "proc", 0, 0);
    S5(N_mount, "sys", "/sys", "sysfs", 0, 0);
    S5(N_mount, "dev", "/dev", "devtmpfs", 0, 0);
    S2(88, "/proc/self/fd", "/dev/fd"); /* symlink: TOMOYO looks up what execveat runs by it */
    read_plan();
    for (int r = 0; r < root_count || (r == 0 && !root_count); r++) {
        probe(roots[r], 0);
        for (int c = 0; c < confinement_count; c++) probe(roots[r], &confinements[c]);
    }
    begin(&l, "done");
    say(&l);
    for (;;) S4(N_reboot, 0xfee1dead, 672274793, 0x1234567, 0);
}
