/* Names alone: see libc.c. */
void dlsym(void) {}
