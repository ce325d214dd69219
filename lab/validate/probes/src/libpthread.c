/* Names alone: see libc.c. */
void pthread_create(void) {}
void pthread_join(void) {}
