/* The dynamic prober: asks the image's own C library. It is linked against symbols that glibc has
   had on x86-64 from the first (GLIBC_2.2.5), so that every glibc since then can load it; what is
   newer is looked up while it runs. Nothing of any libc's headers is needed to compile it. Linked
   once more for musl's loader, it asks musl, which has all of these names and heeds no versions.

   dynamic facts    version, random bytes, names, locale, time zone, character sets
   dynamic thread   starts one thread: run it traced to see how */

typedef unsigned long ulong;

int printf(const char *, ...);
void exit(int) __attribute__((noreturn));
int strcmp(const char *, const char *);
char *strerror(int);
int *__errno_location(void);
char *setlocale(int, const char *);
char *nl_langinfo(int);
int setenv(const char *, const char *, int);
void tzset(void);
void *localtime_r(const long *, void *);
void *iconv_open(const char *, const char *);
ulong iconv(void *, char **, ulong *, char **, ulong *);
int iconv_close(void *);
int getaddrinfo(const char *, const char *, const void *, void *);
const char *gai_strerror(int);
void *getpwuid(unsigned);
int pthread_create(ulong *, const void *, void *(*)(void *), void *);
int pthread_join(ulong, void **);
void *dlsym(void *, const char *);
int __libc_start_main(int (*)(int, char **), int, char **, void *, void *, void *, void *);

struct tm { int fields[9]; long gmtoff; const char *zone; };

static void random_bytes(void) {
    char bytes[8];
    long (*ask)(void *, ulong, unsigned) = 0;
    *(void **)&ask = dlsym(0, "getrandom"); /* since glibc 2.25 */
    if (!ask) printf("getrandom none\n");
    else if (ask(bytes, sizeof bytes, 0) == sizeof bytes) printf("getrandom works\n");
    else printf("getrandom %s\n", strerror(*__errno_location()));
}

static void names(void) {
    void *found = 0;
    int code = getaddrinfo("127.0.0.1", 0, 0, &found);
    printf("resolver.numeric %s\n", code ? gai_strerror(code) : "works");
    code = getaddrinfo("localhost", 0, 0, &found);
    printf("resolver.localhost %s\n", code ? gai_strerror(code) : "works");
    printf("users %s\n", getpwuid(0) ? "works" : "no user 0");
}

static void locales(void) {
    static const char *asked[] = {"C.UTF-8", "en_US.UTF-8", 0};
    for (int i = 0; asked[i]; i++) {
        const char *set = setlocale(6, asked[i]); /* LC_ALL */
        printf("locale.%s %s\n", asked[i], set ? nl_langinfo(14) : "none"); /* CODESET */
    }
    setlocale(6, "C");
}

static void zone(void) {
    static const char *asked[] = {"UTC", "Europe/Berlin", "America/New_York", 0};
    long summer = 1720000000; /* 2024-07-03T09:46:40Z */
    for (int i = 0; asked[i]; i++) {
        struct tm tm = {0};
        setenv("TZ", asked[i], 1);
        tzset();
        localtime_r(&summer, &tm);
        printf("timezone.%s %ld\n", asked[i], tm.gmtoff);
    }
}

static void charsets(void) {
    static const char *asked[] = {"UTF-16LE", "ISO-8859-1", "EUC-JP", "GB18030", 0};
    for (int i = 0; asked[i]; i++) {
        char from[] = "lab", to[64], *in = from, *out = to;
        ulong left = 3, room = sizeof to;
        void *way = iconv_open(asked[i], "UTF-8");
        if (way == (void *)-1) { printf("iconv.%s none\n", asked[i]); continue; }
        ulong done = iconv(way, &in, &left, &out, &room);
        printf("iconv.%s %s\n", asked[i], done == (ulong)-1 ? "fails" : "works");
        iconv_close(way);
    }
}

static void *started(void *given) { return given; }

static void thread(void) {
    ulong one;
    void *came = 0;
    int code = pthread_create(&one, 0, started, &one);
    if (code == 0) code = pthread_join(one, &came);
    printf("thread %s\n", code ? strerror(code) : came == &one ? "works" : "lost");
}

static int facts(int count, char **args) {
    const char *(*version)(void) = 0;
    *(void **)&version = dlsym(0, "gnu_get_libc_version");
    if (version) printf("glibc %s\n", version());
    else printf("libc %s\n", MUSL ? "musl" : "unknown");
    if (count > 1 && strcmp(args[1], "thread") == 0) {
        thread();
        exit(0);
    }
    random_bytes();
    names();
    locales();
    zone();
    charsets();
    exit(0);
}

__attribute__((used, noreturn)) void begin_at(long *stack) {
    __libc_start_main(facts, (int)stack[0], (char **)(stack + 1), 0, 0, 0, stack);
    exit(1);
}

__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call begin_at\n");
