// What the NDK's crtbegin_so.o puts into every library and 64-bit bionic's libc.so does not have.
// Without the NDK this file takes its place; a build with the NDK must not have it.
// Source: bionic/libc/arch-common/bionic (crtbegin_so.c, pthread_atfork.h, __dso_handle_so.h).

#define HIDDEN __attribute__((visibility("hidden")))

extern "C" {

// In bionic's libc.so since API 23, unlike pthread_atfork.
int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* library);
void __cxa_finalize(void* library);

HIDDEN void* __dso_handle = &__dso_handle;

HIDDEN int pthread_atfork(void (*prepare)(), void (*parent)(), void (*child)()) {
  return __register_atfork(prepare, parent, child, &__dso_handle);
}

// A fork after the library is gone must not call into it.
__attribute__((destructor)) static void OnClose() { __cxa_finalize(&__dso_handle); }

}  // extern "C"
