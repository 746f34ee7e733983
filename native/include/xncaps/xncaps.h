/* xncaps: capsule layers and LCE's binary ops as a TFLite delegate. The one public header.
 *
 * C and C++ programs that hold a TFLite interpreter create the delegate here and add it:
 *
 *   XncapsDelegateOptions options;
 *   XncapsDelegateOptionsInit(&options, sizeof options);
 *   options.num_threads = 2;
 *   TfLiteDelegate* delegate = XncapsDelegateCreate(&options);
 *   TfLiteInterpreterOptionsAddDelegate(interpreter_options, delegate);
 *   ...                                       (delete the interpreter before the delegate)
 *   XncapsDelegateDelete(delegate);
 *
 * Programs that load delegates by name use the same library as an external delegate with the
 * options num_threads, isa and verbose.
 *
 * What may change: within one SOVERSION (libxncaps_delegate.so.0) functions are added and members
 * are appended to XncapsDelegateOptions, whose value 0 means what was before. A program built with
 * an older or newer header than the library works: the struct carries its size.
 */
#ifndef XNCAPS_XNCAPS_H_
#define XNCAPS_XNCAPS_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define XNCAPS_EXPORT __attribute__((visibility("default")))
#else
#define XNCAPS_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* TFLite's struct, from tensorflow/lite/c/common.h. */
struct TfLiteDelegate;

typedef struct XncapsDelegateOptions {
  size_t struct_size;  /* set by XncapsDelegateOptionsInit */
  int32_t num_threads; /* 0: as many as the interpreter recommends, at least 1; at most 64 */
  int32_t verbose;     /* 1: says on stderr (Android: in the log) what it claims and runs */
  const char* isa;     /* NULL: the environment's XNCAPS_ISA, else the best of this machine */
  /* NULL, or called with one line when XncapsDelegateCreate returns NULL. */
  void (*report_error)(const char* message);
  int32_t keep_builtins; /* 1: the host does all built-in ops, none is done along with ours */
} XncapsDelegateOptions;

/* Gives each of the `size` bytes of the caller's struct its default; `size` is sizeof *options. */
XNCAPS_EXPORT void XncapsDelegateOptionsInit(XncapsDelegateOptions* options, size_t size);

/* NULL options mean the defaults. Returns NULL on a bad option or without memory, also where an
 * option is set that a newer header has and this library does not know. One delegate may serve
 * several interpreters and outlives them. */
XNCAPS_EXPORT struct TfLiteDelegate* XncapsDelegateCreate(const XncapsDelegateOptions* options);

XNCAPS_EXPORT void XncapsDelegateDelete(struct TfLiteDelegate* delegate);

/* How many nodes of the last graph that it was given it has taken over: what it runs may be less
 * than what was hoped for. -1 before any, and for NULL. */
XNCAPS_EXPORT int32_t XncapsDelegateNodes(const struct TfLiteDelegate* delegate);

/* LiteRT 2's handle, from litert/c/litert_common.h. */
struct LiteRtEnvironmentT;

/* Makes the delegate an accelerator of an environment of LiteRT 2.2 or newer, beside those for GPU
 * and NPU: every CompiledModel of it that may use the CPU then runs our ops.
 *
 *   LiteRtCreateEnvironment(0, NULL, &environment);
 *   XncapsLiteRtRegister(environment, dlsym, RTLD_DEFAULT);
 *
 * `find` gives LiteRT's functions by name, as dlsym does with `library`. Returns a LiteRtStatus: 0,
 * 6 (not found) where the functions are not those of LiteRT 2.2 or newer, or what LiteRT said.
 * The shared library must outlive the environment. Threads are those of LiteRT's CPU options. */
XNCAPS_EXPORT int XncapsLiteRtRegister(struct LiteRtEnvironmentT* environment,
                                       void* (*find)(void* library, const char* name),
                                       void* library);

/* "0.1.0" */
XNCAPS_EXPORT const char* XncapsVersion(void);

/* The instruction set whose kernels run: "scalar", "avx2", "avx512" or "neon"; NULL where XNCAPS_ISA
 * names one that is not available. */
XNCAPS_EXPORT const char* XncapsIsa(void);

#ifdef __cplusplus
}
#endif

#endif /* XNCAPS_XNCAPS_H_ */
