// Functions whose types or numbers differ between bionic and glibc; see tools/xncaps_android/shim.py.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// OWN(f): shim_f is what Android's libraries get as f. The generator reads these lines.
#define OWN(name) __asm__(".symver shim_" #name "," #name "@LIBC")

// bionic's stdin, stdout and stderr are the elements of an array of 152-byte structs.
enum { kBionicFile = 152 };
char shim___sF[3 * kBionicFile];
OWN(__sF);

static FILE* real(void* file) {
  char* at = file;
  if (at < shim___sF || at >= shim___sF + sizeof shim___sF) return file;
  switch ((at - shim___sF) / kBionicFile) {
    case 0: return stdin;
    case 1: return stdout;
    default: return stderr;
  }
}

int shim_fprintf(void* file, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int written = vfprintf(real(file), format, arguments);
  va_end(arguments);
  return written;
}
OWN(fprintf);
int shim_vfprintf(void* file, const char* format, va_list arguments) {
  return vfprintf(real(file), format, arguments);
}
OWN(vfprintf);
int shim_fputc(int c, void* file) { return fputc(c, real(file)); }
OWN(fputc);
int shim_fflush(void* file) { return fflush(file ? real(file) : NULL); }
OWN(fflush);
int shim_fileno(void* file) { return fileno(real(file)); }
OWN(fileno);
size_t shim_fwrite(const void* data, size_t size, size_t count, void* file) {
  return fwrite(data, size, count, real(file));
}
OWN(fwrite);
int shim_fclose(void* file) { return fclose(real(file)); }
OWN(fclose);

int* shim___errno(void) { return &errno; }
OWN(__errno);
int shim___open_2(const char* path, int flags) { return open(path, flags); }
OWN(__open_2);
ssize_t shim___read_chk(int file, void* data, size_t count, size_t room) {
  if (count > room) return errno = EFAULT, -1;
  return read(file, data, count);
}
OWN(__read_chk);
size_t shim___strlen_chk(const char* text, size_t room) {
  (void)room;
  return strlen(text);
}
OWN(__strlen_chk);
// TensorFlow Lite takes XNNPACK from API 21 on.
int shim___system_property_get(const char* name, char* value) {
  strcpy(value, strcmp(name, "ro.build.version.sdk") == 0 ? "34" : "");
  return (int)strlen(value);
}
OWN(__system_property_get);
void shim_android_set_abort_message(const char* text) { fprintf(stderr, "abort: %s\n", text); }
OWN(android_set_abort_message);
extern int __xpg_strerror_r(int, char*, size_t);
int shim_strerror_r(int error, char* text, size_t room) { return __xpg_strerror_r(error, text, room); }
OWN(strerror_r);

// bionic's numbers of the sysconf names.
long shim_sysconf(int name) {
  switch (name) {
    case 39:
    case 40: return sysconf(_SC_PAGESIZE);
    case 96: return sysconf(_SC_NPROCESSORS_CONF);
    case 97: return sysconf(_SC_NPROCESSORS_ONLN);
    default: fprintf(stderr, "shim: unknown sysconf(%d)\n", name); return -1;
  }
}
OWN(sysconf);

// bionic looks for RTLD_DEFAULT (0 in both) in the caller's own library too, whoever loaded it: that
// is how TensorFlow Lite finds XNNPACK, which lies in the same file.
void* shim_dlsym(void* handle, const char* name) {
  void* found = dlsym(handle, name);
  Dl_info caller;
  if (found != NULL || handle != RTLD_DEFAULT ||
      !dladdr(__builtin_return_address(0), &caller))
    return found;
  void* own = dlopen(caller.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  return own == NULL ? NULL : dlsym(own, name);
}
OWN(dlsym);
// XNNPACK built for Android asks for 16 bytes, which its AVX-512 kernels then read as 64: no phone
// has those, the machines of these tests do.
int shim_posix_memalign(void** memory, size_t alignment, size_t size) {
  return posix_memalign(memory, alignment < 64 ? 64 : alignment, size);
}
OWN(posix_memalign);
void* shim_memalign(size_t alignment, size_t size) {
  return memalign(alignment < 64 ? 64 : alignment, size);
}
OWN(memalign);
