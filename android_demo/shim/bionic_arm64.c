// What differs on arm64 alone; see bionic.c.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN(name) __asm__(".symver shim_" #name "," #name "@LIBC")

// bionic's pthread_mutex_t has 40 bytes, glibc's on arm64 48: the last eight are never touched.
int shim_pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
  memset(mutex, 0, 40);
  if (attributes) pthread_mutexattr_gettype(attributes, &mutex->__data.__kind);
  return 0;
}
OWN(pthread_mutex_init);

// bionic's pthread_cond_t is aligned to 4 bytes, glibc's needs 8: a counter and a futex instead.
int shim_pthread_cond_init(int* counter, const void* attributes) {
  (void)attributes;
  *counter = 0;
  return 0;
}
OWN(pthread_cond_init);
int shim_pthread_cond_destroy(int* counter) {
  (void)counter;
  return 0;
}
OWN(pthread_cond_destroy);
static int wake(int* counter, int how_many) {
  __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, counter, FUTEX_WAKE_PRIVATE, how_many, 0, 0, 0);
  return 0;
}
int shim_pthread_cond_signal(int* counter) { return wake(counter, 1); }
OWN(pthread_cond_signal);
int shim_pthread_cond_broadcast(int* counter) { return wake(counter, 0x7fffffff); }
OWN(pthread_cond_broadcast);
int shim_pthread_cond_wait(int* counter, pthread_mutex_t* mutex) {
  int seen = __atomic_load_n(counter, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(mutex);
  syscall(SYS_futex, counter, FUTEX_WAIT_PRIVATE, seen, 0, 0, 0);
  pthread_mutex_lock(mutex);
  return 0;
}
OWN(pthread_cond_wait);
