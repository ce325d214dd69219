/* Names alone, to link the dynamic prober by: the libraries of the image stand in their place. */
#define NAME(n) void n(void) {}
NAME(gnu_get_libc_version) NAME(printf) NAME(exit) NAME(strcmp) NAME(strerror)
NAME(__errno_location) NAME(setlocale) NAME(nl_langinfo) NAME(setenv) NAME(tzset)
NAME(localtime_r) NAME(iconv_open) NAME(iconv) NAME(iconv_close) NAME(getaddrinfo)
NAME(gai_strerror) NAME(getpwuid) NAME(__libc_start_main)
