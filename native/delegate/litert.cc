// The delegate as an accelerator of LiteRT 2, whose CompiledModel takes no delegates. LiteRT finds
// it by the exported constant, or a program registers it by XncapsLiteRtRegister.
#include <stdio.h>

#include "delegate/delegate.h"
#include "delegate/litert_abi.h"
#include "xncaps/xncaps.h"

namespace {

using xncaps::litert::Accelerator;
using xncaps::litert::AcceleratorDef;
using xncaps::litert::ApiVersion;
using xncaps::litert::DelegateWrapper;
using xncaps::litert::Environment;
using xncaps::litert::OpaqueDelegate;
using xncaps::litert::Options;
using xncaps::litert::RuntimeContext;
using xncaps::litert::Status;

Status GetName(const Accelerator*, const char** name) {
  if (name == nullptr) return xncaps::litert::kErrorInvalidArgument;
  *name = "xncaps";
  return xncaps::litert::kOk;
}

// Of the accelerator; XncapsVersion() tells the library's.
Status GetVersion(const Accelerator*, ApiVersion* version) {
  if (version == nullptr) return xncaps::litert::kErrorInvalidArgument;
  *version = {1, 0, 0};
  return xncaps::litert::kOk;
}

Status GetHardwareSupport(const Accelerator*, int* hardware) {
  if (hardware == nullptr) return xncaps::litert::kErrorInvalidArgument;
  *hardware = xncaps::litert::kHwAcceleratorCpu;
  return xncaps::litert::kOk;
}

// Like LiteRT's own for XNNPACK: applied to each model that asks for the CPU.
Status IsResponsibleForJit(const Accelerator*, bool* is_responsible) {
  if (is_responsible == nullptr) return xncaps::litert::kErrorInvalidArgument;
  *is_responsible = true;
  return xncaps::litert::kOk;
}

void Report(const char* message) { fprintf(stderr, "%s\n", message); }

void Delete(OpaqueDelegate* delegate) {
  xncaps::DeleteDelegate(reinterpret_cast<xncaps::tflite::TfLiteDelegate*>(delegate));
}

// Options are the defaults: LiteRT has no way to pass others. Threads are those of its CPU options,
// which it gives the interpreter as the recommended number.
Status CreateDelegate(RuntimeContext* runtime, Environment*, const Accelerator*, Options*,
                      DelegateWrapper** wrapper) {
  if (!xncaps::litert::HasWrapDelegate(runtime) || wrapper == nullptr) {
    Report("xncaps: expected a runtime context of LiteRT 2.2 or newer, major version 1.");
    return xncaps::litert::kErrorWrongVersion;
  }
  auto* delegate =
      reinterpret_cast<OpaqueDelegate*>(xncaps::CreateDelegate(xncaps::DelegateOptions(), Report));
  if (delegate == nullptr) return xncaps::litert::kErrorRuntimeFailure;
  const Status status = runtime->wrap_delegate(delegate, Delete, wrapper);
  if (status != xncaps::litert::kOk) Delete(delegate);
  return status;
}

// LiteRT's functions that register an accelerator, as `find` knows them.
struct Registration {
  Status (*create)(Accelerator** accelerator);
  Status (*destroy)(Accelerator* accelerator);
  Status (*set_name)(Accelerator* accelerator, decltype(&GetName) function);
  Status (*set_version)(Accelerator* accelerator, decltype(&GetVersion) function);
  Status (*set_hardware)(Accelerator* accelerator, decltype(&GetHardwareSupport) function);
  Status (*set_jit)(Accelerator* accelerator, decltype(&IsResponsibleForJit) function);
  Status (*set_delegate)(Accelerator* accelerator, decltype(&CreateDelegate) function);
  Status (*register_it)(Environment* environment, Accelerator* accelerator, void* data,
                        void (*release)(void*));
  void* since_2_2;  // not called: before it CreateDelegate had another signature
};

template <typename Function>
bool Find(void* (*find)(void*, const char*), void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(find(library, name));
  return *function != nullptr;
}

bool FindAll(void* (*find)(void*, const char*), void* library, Registration* r) {
  return Find(find, library, "LiteRtCreateAccelerator", &r->create) &&
         Find(find, library, "LiteRtDestroyAccelerator", &r->destroy) &&
         Find(find, library, "LiteRtSetAcceleratorGetName", &r->set_name) &&
         Find(find, library, "LiteRtSetAcceleratorGetVersion", &r->set_version) &&
         Find(find, library, "LiteRtSetAcceleratorGetHardwareSupport", &r->set_hardware) &&
         Find(find, library, "LiteRtSetIsAcceleratorDelegateResponsibleForJitCompilation",
              &r->set_jit) &&
         Find(find, library, "LiteRtSetDelegateFunction", &r->set_delegate) &&
         Find(find, library, "LiteRtRegisterAccelerator", &r->register_it) &&
         Find(find, library, "LiteRtDestroyDelegateWrapper", &r->since_2_2);
}

}  // namespace

extern "C" {

// The symbol that LiteRT looks for in libLiteRtGpuAccelerator of its runtime path.
extern XNCAPS_EXPORT const AcceleratorDef LiteRtAcceleratorImpl;
const AcceleratorDef LiteRtAcceleratorImpl = {{sizeof(AcceleratorDef), 1, 0, 0},
                                              GetName,
                                              GetVersion,
                                              GetHardwareSupport,
                                              IsResponsibleForJit,
                                              CreateDelegate,
                                              nullptr,
                                              nullptr,
                                              {{sizeof(xncaps::litert::BufferHandlers), 1, 0, 0},
                                               {},
                                               xncaps::litert::kEnvOptionTagNull,
                                               xncaps::litert::kEnvOptionTagNull,
                                               0,
                                               {}}};

int XncapsLiteRtRegister(struct LiteRtEnvironmentT* environment,
                         void* (*find)(void* library, const char* name), void* library) {
  Registration r;
  Accelerator* accelerator = nullptr;
  if (environment == nullptr || find == nullptr) return xncaps::litert::kErrorInvalidArgument;
  if (!FindAll(find, library, &r)) return xncaps::litert::kErrorNotFound;
  Status status = r.create(&accelerator);
  if (status != xncaps::litert::kOk) return status;
  if ((status = r.set_name(accelerator, GetName)) != xncaps::litert::kOk ||
      (status = r.set_version(accelerator, GetVersion)) != xncaps::litert::kOk ||
      (status = r.set_hardware(accelerator, GetHardwareSupport)) != xncaps::litert::kOk ||
      (status = r.set_jit(accelerator, IsResponsibleForJit)) != xncaps::litert::kOk ||
      (status = r.set_delegate(accelerator, CreateDelegate)) != xncaps::litert::kOk) {
    r.destroy(accelerator);
    return status;
  }
  // Releases the accelerator itself where it fails.
  return r.register_it(reinterpret_cast<Environment*>(environment), accelerator, nullptr, nullptr);
}

}  // extern "C"
