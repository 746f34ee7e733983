// The part of LiteRT 2's C structs that an accelerator needs, declared here so that building needs
// no LiteRT. LiteRT calls these structs ABI stable and versions them by the header at their start;
// the sizes and offsets below are those that its own headers assert in 2.2.0 and 2.3.0
// (litert/c/internal/litert_accelerator_def.h, litert_runtime_context.h). What a runtime really
// passes is checked at run time, by HasWrapDelegate.
#ifndef XNCAPS_DELEGATE_LITERT_ABI_H_
#define XNCAPS_DELEGATE_LITERT_ABI_H_

#include <stddef.h>
#include <stdint.h>

namespace xncaps {
namespace litert {

enum Status : int {
  kOk = 0,
  kErrorInvalidArgument = 1,
  kErrorRuntimeFailure = 3,
  kErrorNotFound = 6,
  kErrorWrongVersion = 8,
};

constexpr int kHwAcceleratorCpu = 1;  // a bit of a LiteRtHwAcceleratorSet

struct AbiHeader {
  uint16_t struct_size;  // of the struct it begins
  uint16_t major_version;
  uint16_t minor_version;
  uint16_t reserved;
};

struct ApiVersion {
  int major, minor, patch;
};

// Handles.
struct Accelerator;
struct DelegateWrapper;
struct Environment;
struct OpaqueDelegate;  // what TFLite's TfLiteDelegate* is behind LiteRT
struct Options;

// Functions of the runtime; only up to the last one that is used.
struct RuntimeContext {
  AbiHeader header;
  void* before[17];
  Status (*wrap_delegate)(OpaqueDelegate* delegate, void (*deleter)(OpaqueDelegate*),
                          DelegateWrapper** wrapper);
};

// Memory of an accelerator's own; ours has none.
struct BufferHandlers {
  AbiHeader header;
  void* functions[6];
  int device_tag, queue_tag;
  size_t type_count;
  int types[16];
};

constexpr int kEnvOptionTagNull = 255;

struct AcceleratorDef {
  AbiHeader header;
  Status (*get_name)(const Accelerator* accelerator, const char** name);
  Status (*get_version)(const Accelerator* accelerator, ApiVersion* version);
  Status (*get_hardware_support)(const Accelerator* accelerator, int* hardware);
  Status (*is_delegate_responsible_for_jit)(const Accelerator* accelerator, bool* is_responsible);
  Status (*create_delegate)(RuntimeContext* runtime, Environment* environment,
                            const Accelerator* accelerator, Options* options,
                            DelegateWrapper** wrapper);
  void* start_metrics_collection;
  void* stop_metrics_collection;
  BufferHandlers buffer_handlers;
};

#if UINTPTR_MAX == UINT64_MAX
static_assert(sizeof(AbiHeader) == 8, "");
static_assert(offsetof(RuntimeContext, wrap_delegate) == 144, "");
static_assert(sizeof(BufferHandlers) == 136, "");
static_assert(offsetof(BufferHandlers, device_tag) == 56, "");
static_assert(offsetof(BufferHandlers, queue_tag) == 60, "");
static_assert(offsetof(BufferHandlers, type_count) == 64, "");
static_assert(offsetof(BufferHandlers, types) == 72, "");
static_assert(sizeof(AcceleratorDef) == 200, "");
static_assert(offsetof(AcceleratorDef, get_name) == 8, "");
static_assert(offsetof(AcceleratorDef, get_version) == 16, "");
static_assert(offsetof(AcceleratorDef, get_hardware_support) == 24, "");
static_assert(offsetof(AcceleratorDef, is_delegate_responsible_for_jit) == 32, "");
static_assert(offsetof(AcceleratorDef, create_delegate) == 40, "");
static_assert(offsetof(AcceleratorDef, buffer_handlers) == 64, "");
#endif

// Whether the runtime's struct is the one declared here and long enough.
inline bool HasWrapDelegate(const RuntimeContext* runtime) {
  constexpr size_t kNeeded = offsetof(RuntimeContext, wrap_delegate) + sizeof(void*);
  return runtime != nullptr && runtime->header.major_version == 1 &&
         runtime->header.struct_size >= kNeeded && runtime->wrap_delegate != nullptr;
}

}  // namespace litert
}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_LITERT_ABI_H_
