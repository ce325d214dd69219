/* A shell, and any other program, that runs nothing: it prints a random number and a digest of its
   last argument, and writes the number into the files that /.outs names. Where /.fixed is, the number
   is always 0, so that two images that did the same hold the same. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static char names[65536];

static void hex(char *to, uint64_t value) {
    for (int i = 15; i >= 0; i--, value >>= 4) to[i] = "0123456789abcdef"[value & 15];
}

int main(int count, char **words) {
    uint64_t number = 0, digest = 1469598103934665603u;
    const char *last = count > 1 ? words[count - 1] : "";
    for (const unsigned char *at = (const unsigned char *)last; *at; at++)
        digest = (digest ^ *at) * 1099511628211u;
    getrandom(&number, sizeof number, 0);
    if (access("/.fixed", F_OK) == 0) number = 0;
    char line[] = "LAB-RAN 0000000000000000 0000000000000000\n";
    hex(line + 8, number);
    hex(line + 25, digest);
    if (write(1, line, sizeof line - 1) < 0) return 1;
    int list = open("/.outs", O_RDONLY);
    ssize_t size = list < 0 ? 0 : read(list, names, sizeof names - 1);
    names[size > 0 ? size : 0] = 0;
    for (char *name = strtok(names, "\n"); name; name = strtok(0, "\n")) {
        int out = open(name, O_WRONLY | O_TRUNC);
        if (out >= 0) { if (write(out, line + 8, 16) < 0) return 1; close(out); }
    }
    return 0;
}
