// An external delegate that claims nothing and checks that a runtime's structs are what
// tflite_abi.h says: wheels ship no headers. It reports "probe ok" or what is wrong as an error.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delegate/tflite_abi.h"

using namespace xncaps::tflite;  // NOLINT

namespace {

// Made by tests/runtime: one XnCapsOdr, u float32 [2, 5, 8], bits uint8 [5, 3, 4, 1].
const char* Check(TfLiteContext* context) {
  TfLiteIntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk || plan->size != 1)
    return "execution plan";
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (context->GetNodeAndRegistration(context, plan->data[0], &node, &registration) != kTfLiteOk)
    return "node";
  if (registration->builtin_code != kBuiltinCustom) return "builtin_code";
  if (strcmp(registration->custom_name, "XnCapsOdr") != 0) return "custom_name";
  if (node->inputs->size != 3 || node->outputs->size != 1) return "inputs and outputs";
  if (node->custom_initial_data_size < 3) return "custom_initial_data_size";
  if (memmem(node->custom_initial_data, node->custom_initial_data_size, "routing_iterations", 18) ==
      nullptr) {
    return "custom_initial_data";
  }
  if (context->tensors_size != 4) return "tensors_size";
  const TfLiteTensor& u = context->tensors[node->inputs->data[0]];
  const TfLiteTensor& bits = context->tensors[node->inputs->data[1]];
  if (u.type != kTfLiteFloat32 || bits.type != kTfLiteUInt8) return "type";
  if (u.dims->size != 3 || u.dims->data[2] != 8 || bits.dims->data[0] != 5) return "dims";
  if (bits.allocation_type != kTfLiteMmapRo || u.allocation_type == kTfLiteMmapRo)
    return "allocation_type";
  if (bits.bytes != 60 || bits.data == nullptr) return "bytes";
  if (strcmp(u.name, "u") != 0 || u.is_variable) return "name";
  TfLiteIntArray* shape = static_cast<TfLiteIntArray*>(malloc(4 * sizeof(int)));
  shape->size = 3;
  shape->data[0] = 9, shape->data[1] = 3, shape->data[2] = 4;
  TfLiteTensor* v = &context->tensors[node->outputs->data[0]];
  if (context->ResizeTensor(context, v, shape) != kTfLiteOk || v->dims->data[0] != 9)
    return "ResizeTensor";
  return nullptr;
}

TfLiteStatus Prepare(TfLiteContext* context, TfLiteDelegate*) {
  const char* wrong = Check(context);
  context->ReportError(context, "probe %s%s",
                       wrong == nullptr ? "ok" : "failed: ", wrong == nullptr ? "" : wrong);
  return kTfLiteError;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) TfLiteDelegate* tflite_plugin_create_delegate(
    const char* const*, const char* const*, size_t, void (*)(const char*)) {
  TfLiteDelegate* delegate = static_cast<TfLiteDelegate*>(calloc(1, sizeof(TfLiteDelegate) + 64));
  delegate->Prepare = Prepare;
  delegate->flags = kTfLiteDelegateFlagsAllowDynamicTensors;
  return delegate;
}

extern "C" __attribute__((visibility("default"))) void tflite_plugin_destroy_delegate(
    TfLiteDelegate* delegate) {
  free(delegate);
}
