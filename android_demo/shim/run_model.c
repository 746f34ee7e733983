// Runs a model by Android's own libtensorflowlite_jni.so through the shim, on Linux (under qemu for
// arm64): run_model RUNTIME DELEGATE|- MODEL THREADS < inputs > outputs, raw tensors one after the other.
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// On arm64 bionic's code reads its stack guard at TP+0x28. These bytes, first in the executable's
// thread-local block (which starts at TP+16), stay as they are so that the guard does not change.
__thread char bionic_guard[128] __attribute__((aligned(16)));

typedef void* (*CreateDelegate)(const char* const*, const char* const*, size_t, void (*)(const char*));

static void* library;

static void* function(const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "run_model: no %s\n", name);
    exit(2);
  }
  return found;
}
#define CALL(type, name) ((type)function(#name))
typedef void* (*FromPointer)(void*);
typedef void* (*FromText)(const char*);
typedef void* (*FromNothing)(void);
typedef void* (*FromTwo)(void*, void*);
typedef void (*WithInt)(void*, int32_t);
typedef int (*Status)(void*);
typedef void* (*Tensor)(void*, int32_t);
typedef size_t (*Size)(void*);
typedef int (*Copy)(void*, void*, size_t);

static void fail(const char* what) {
  fprintf(stderr, "run_model: %s\n", what);
  exit(1);
}

static void* open_library(const char* path) {
  void* opened = dlopen(path, RTLD_NOW);
  if (opened == NULL) fail(dlerror());
  return opened;
}

int main(int count, char** words) {
  if (count != 5) fail("expected RUNTIME DELEGATE|- MODEL THREADS");
  bionic_guard[0] = 0;
  library = open_library(words[1]);
  void* model = CALL(FromText, TfLiteModelCreateFromFile)(words[3]);
  if (model == NULL) fail("no model");
  void* options = CALL(FromNothing, TfLiteInterpreterOptionsCreate)();
  CALL(WithInt, TfLiteInterpreterOptionsSetNumThreads)(options, atoi(words[4]));
  if (words[2][0] != '-') {
    void* ours = open_library(words[2]);
    CreateDelegate create = (CreateDelegate)dlsym(ours, "tflite_plugin_create_delegate");
    if (create == NULL) fail("no tflite_plugin_create_delegate");
    void* delegate = create(NULL, NULL, 0, NULL);
    if (delegate == NULL) fail("no delegate");
    CALL(FromTwo, TfLiteInterpreterOptionsAddDelegate)(options, delegate);
  }
  void* interpreter = CALL(FromTwo, TfLiteInterpreterCreate)(model, options);
  if (interpreter == NULL) fail("no interpreter");
  if (CALL(Status, TfLiteInterpreterAllocateTensors)(interpreter) != 0) fail("not allocated");
  void* input = CALL(Tensor, TfLiteInterpreterGetInputTensor)(interpreter, 0);
  void* output = CALL(Tensor, TfLiteInterpreterGetOutputTensor)(interpreter, 0);
  const size_t in_size = CALL(Size, TfLiteTensorByteSize)(input);
  const size_t out_size = CALL(Size, TfLiteTensorByteSize)(output);
  void* in = malloc(in_size);
  void* out = malloc(out_size);
  while (fread(in, 1, in_size, stdin) == in_size) {
    if (CALL(Copy, TfLiteTensorCopyFromBuffer)(input, in, in_size) != 0) fail("input");
    if (CALL(Status, TfLiteInterpreterInvoke)(interpreter) != 0) fail("not run");
    if (CALL(Copy, TfLiteTensorCopyToBuffer)(output, out, out_size) != 0) fail("output");
    fwrite(out, 1, out_size, stdout);
  }
  CALL(FromPointer, TfLiteInterpreterDelete)(interpreter);
  free(in);
  free(out);
  return 0;
}
