// The exported functions: TFLite's external delegate plug-in and the C API of xncaps.h.
#include <stdlib.h>
#include <string.h>

#include "delegate/delegate.h"
#include "kernels/dispatch.h"
#include "xncaps/xncaps.h"

namespace {

using xncaps::DelegateOptions;

// A whole decimal number without sign; false if it is not one.
bool ParseNumber(const char* text, int* number) {
  if (text == nullptr || text[0] == '\0') return false;
  *number = 0;
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c < '0' || *c > '9' || *number > 100000) return false;
    *number = *number * 10 + (*c - '0');
  }
  return true;
}

const char* ReadOption(const char* key, const char* value, DelegateOptions* options) {
  if (key == nullptr || value == nullptr) return "xncaps: an option has no name or no value";
  if (strcmp(key, "num_threads") == 0) {
    return ParseNumber(value, &options->num_threads)
               ? nullptr
               : "xncaps: option num_threads: expected a number, 0 for the interpreter's.";
  }
  if (strcmp(key, "verbose") == 0) {
    const bool good = ParseNumber(value, &options->verbose) && options->verbose <= 1;
    return good ? nullptr : "xncaps: option verbose: expected 0 or 1.";
  }
  if (strcmp(key, "keep_builtins") == 0) {
    const bool good = ParseNumber(value, &options->keep_builtins) && options->keep_builtins <= 1;
    return good ? nullptr : "xncaps: option keep_builtins: expected 0 or 1.";
  }
  if (strcmp(key, "isa") == 0) {
    options->isa = value;
    return nullptr;
  }
  return "xncaps: unknown option; expected num_threads, isa, verbose or keep_builtins.";
}

// A caller's struct may be shorter than ours (an older header: the rest has its defaults) or longer
// (a newer one: what we do not know must have its default, 0). Null, or what is wrong.
const char* CopyOptions(const XncapsDelegateOptions* given, XncapsDelegateOptions* known) {
  constexpr size_t kSmallest = offsetof(XncapsDelegateOptions, verbose), kLargest = 4096;
  const size_t size = given->struct_size;
  if (size < kSmallest || size > kLargest)
    return "xncaps: options not made by XncapsDelegateOptionsInit()";
  memcpy(known, given, size < sizeof *known ? size : sizeof *known);
  const char* bytes = reinterpret_cast<const char*>(given);
  for (size_t i = sizeof *known; i < size; ++i) {
    if (bytes[i] != 0) return "xncaps: an option is set that this version does not know";
  }
  return nullptr;
}

}  // namespace

extern "C" {

XNCAPS_EXPORT struct TfLiteDelegate* tflite_plugin_create_delegate(
    const char* const* keys, const char* const* values, size_t count,
    void (*report_error)(const char*)) {
  DelegateOptions options;
  for (size_t i = 0; i < count; ++i) {
    const char* error = ReadOption(keys[i], values[i], &options);
    if (error == nullptr) continue;
    if (report_error != nullptr) report_error(error);
    return nullptr;
  }
  return reinterpret_cast<struct TfLiteDelegate*>(xncaps::CreateDelegate(options, report_error));
}

XNCAPS_EXPORT void tflite_plugin_destroy_delegate(struct TfLiteDelegate* delegate) {
  XncapsDelegateDelete(delegate);
}

void XncapsDelegateOptionsInit(XncapsDelegateOptions* options, size_t size) {
  if (options == nullptr || size < sizeof options->struct_size) return;
  memset(options, 0, size);
  options->struct_size = size;
}

struct TfLiteDelegate* XncapsDelegateCreate(const XncapsDelegateOptions* given) {
  XncapsDelegateOptions known;
  XncapsDelegateOptionsInit(&known, sizeof known);
  const char* error = given == nullptr ? nullptr : CopyOptions(given, &known);
  if (error != nullptr) {
    if (known.report_error != nullptr) known.report_error(error);
    return nullptr;
  }
  DelegateOptions options;
  options.num_threads = known.num_threads;
  options.verbose = known.verbose;
  options.keep_builtins = known.keep_builtins;
  options.isa = known.isa;
  return reinterpret_cast<struct TfLiteDelegate*>(
      xncaps::CreateDelegate(options, known.report_error));
}

void XncapsDelegateDelete(struct TfLiteDelegate* delegate) {
  xncaps::DeleteDelegate(reinterpret_cast<xncaps::tflite::TfLiteDelegate*>(delegate));
}

int32_t XncapsDelegateNodes(const struct TfLiteDelegate* delegate) {
  if (delegate == nullptr) return -1;
  return xncaps::ClaimedNodes(reinterpret_cast<const xncaps::tflite::TfLiteDelegate*>(delegate));
}

const char* XncapsVersion(void) { return XNCAPS_VERSION; }

const char* XncapsIsa(void) {
  char error[200];
  const xncaps::Isa* isa = xncaps::ChooseIsa(nullptr, error, sizeof error);
  return isa == nullptr ? nullptr : isa->name;
}

}  // extern "C"
