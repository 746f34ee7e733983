// An accelerator that looks at what a LiteRT runtime really passes, to be loaded from Python's
// tests as libLiteRtGpuAccelerator: whether the function that litert_abi.h takes for wrap_delegate
// is the one that the runtime exports by that name.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "delegate/litert_abi.h"

namespace {

using namespace xncaps::litert;  // NOLINT: a test

Status Name(const Accelerator*, const char** name) { return *name = "probe", kOk; }
Status Version(const Accelerator*, ApiVersion* version) { return *version = {1, 0, 0}, kOk; }
Status Hardware(const Accelerator*, int* hardware) { return *hardware = kHwAcceleratorCpu, kOk; }
Status Jit(const Accelerator*, bool* is_responsible) { return *is_responsible = true, kOk; }

Status Probe(RuntimeContext* runtime, Environment*, const Accelerator*, Options*,
             DelegateWrapper**) {
  const AbiHeader& header = runtime->header;
  Dl_info found = {};
  const bool known =
      dladdr(reinterpret_cast<void*>(runtime->wrap_delegate), &found) != 0 && found.dli_sname;
  const bool good = HasWrapDelegate(runtime) && known &&
                    strcmp(found.dli_sname, "LiteRtWrapDelegate") == 0 &&
                    header.struct_size % sizeof(void*) == 0 && header.reserved == 0;
  fprintf(stderr, "probe %s: runtime context of %u bytes, version %u.%u, %s\n", good ? "ok" : "bad",
          header.struct_size, header.major_version, header.minor_version,
          known ? found.dli_sname : "no symbol");
  return kErrorRuntimeFailure;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const AcceleratorDef LiteRtAcceleratorImpl;
const AcceleratorDef LiteRtAcceleratorImpl = {
    {sizeof(AcceleratorDef), 1, 0, 0},
    Name,
    Version,
    Hardware,
    Jit,
    Probe,
    nullptr,
    nullptr,
    {{sizeof(BufferHandlers), 1, 0, 0}, {}, kEnvOptionTagNull, kEnvOptionTagNull, 0, {}}};
