// The structs of delegate/tflite_abi.h against TFLite's own headers: compiling it is the test.
#include "delegate/tflite_abi.h"
#include "tensorflow/lite/builtin_ops.h"
#include "tensorflow/lite/core/c/common.h"

namespace ours = xncaps::tflite;

#define SAME_SIZE(type) static_assert(sizeof(ours::type) == sizeof(::type), #type)
#define SAME(type, member)                                                          \
  static_assert(offsetof(ours::type, member) == offsetof(::type, member), #member); \
  static_assert(sizeof(ours::type::member) == sizeof(::type::member), #member)
#define SAME_VALUE(name) \
  static_assert(static_cast<int>(ours::name) == static_cast<int>(::name), #name)

SAME_VALUE(kTfLiteOk);
SAME_VALUE(kTfLiteError);
SAME_VALUE(kTfLiteNoType);
SAME_VALUE(kTfLiteFloat32);
SAME_VALUE(kTfLiteInt32);
SAME_VALUE(kTfLiteUInt8);
SAME_VALUE(kTfLiteInt64);
SAME_VALUE(kTfLiteBool);
SAME_VALUE(kTfLiteInt8);
SAME_VALUE(kTfLiteFloat16);
SAME_VALUE(kTfLiteMemNone);
SAME_VALUE(kTfLiteMmapRo);
SAME_VALUE(kTfLiteArenaRw);
SAME_VALUE(kTfLiteArenaRwPersistent);
SAME_VALUE(kTfLiteDynamic);
SAME_VALUE(kTfLitePersistentRo);
SAME_VALUE(kTfLiteCustom);
SAME_VALUE(kTfLiteNoQuantization);
SAME_VALUE(kTfLiteAffineQuantization);
SAME_VALUE(kTfLiteDelegateFlagsAllowDynamicTensors);
static_assert(ours::kBuiltinCustom == kTfLiteBuiltinCustom, "custom");
static_assert(ours::kBuiltinAdd == kTfLiteBuiltinAdd, "add");
static_assert(ours::kBuiltinMul == kTfLiteBuiltinMul, "mul");
static_assert(ours::kBuiltinRelu == kTfLiteBuiltinRelu, "relu");
static_assert(ours::kBuiltinReluN1To1 == kTfLiteBuiltinReluN1To1, "relu -1 to 1");
static_assert(ours::kBuiltinRelu6 == kTfLiteBuiltinRelu6, "relu6");
static_assert(ours::kBuiltinMaximum == kTfLiteBuiltinMaximum, "maximum");
static_assert(ours::kBuiltinMinimum == kTfLiteBuiltinMinimum, "minimum");
static_assert(ours::kBuiltinStablehloComposite == 206,
              "composite; the 2.14.0 header does not know it");

SAME_SIZE(TfLiteStatus);
SAME_SIZE(TfLiteType);
SAME_SIZE(TfLiteAllocationType);
SAME_SIZE(TfLiteQuantizationType);

SAME(TfLiteIntArray, size);
static_assert(offsetof(ours::TfLiteIntArray, data) == offsetof(::TfLiteIntArray, data), "data");
SAME(TfLiteFloatArray, size);
static_assert(offsetof(ours::TfLiteFloatArray, data) == offsetof(::TfLiteFloatArray, data), "data");

SAME_SIZE(TfLiteQuantizationParams);
SAME(TfLiteQuantizationParams, scale);
SAME(TfLiteQuantizationParams, zero_point);
SAME_SIZE(TfLiteAffineQuantization);
SAME(TfLiteAffineQuantization, scale);
SAME(TfLiteAffineQuantization, zero_point);
SAME(TfLiteAffineQuantization, quantized_dimension);
SAME_SIZE(TfLiteQuantization);
SAME(TfLiteQuantization, type);
SAME(TfLiteQuantization, params);

SAME_SIZE(TfLiteTensor);
SAME(TfLiteTensor, type);
SAME(TfLiteTensor, data);
SAME(TfLiteTensor, dims);
SAME(TfLiteTensor, params);
SAME(TfLiteTensor, allocation_type);
SAME(TfLiteTensor, bytes);
SAME(TfLiteTensor, allocation);
SAME(TfLiteTensor, name);
SAME(TfLiteTensor, delegate);
SAME(TfLiteTensor, buffer_handle);
SAME(TfLiteTensor, data_is_stale);
SAME(TfLiteTensor, is_variable);
SAME(TfLiteTensor, quantization);
SAME(TfLiteTensor, sparsity);
SAME(TfLiteTensor, dims_signature);

SAME_SIZE(TfLiteNode);
SAME(TfLiteNode, inputs);
SAME(TfLiteNode, outputs);
SAME(TfLiteNode, intermediates);
SAME(TfLiteNode, temporaries);
SAME(TfLiteNode, user_data);
SAME(TfLiteNode, builtin_data);
SAME(TfLiteNode, custom_initial_data);
SAME(TfLiteNode, custom_initial_data_size);
SAME(TfLiteNode, delegate);
SAME(TfLiteNode, might_have_side_effect);

SAME_SIZE(TfLiteRegistration);
SAME(TfLiteRegistration, init);
SAME(TfLiteRegistration, free);
SAME(TfLiteRegistration, prepare);
SAME(TfLiteRegistration, invoke);
SAME(TfLiteRegistration, profiling_string);
SAME(TfLiteRegistration, builtin_code);
SAME(TfLiteRegistration, custom_name);
SAME(TfLiteRegistration, version);
SAME(TfLiteRegistration, registration_external);
SAME(TfLiteRegistration, async_kernel);
SAME(TfLiteRegistration, inplace_operator);

SAME_SIZE(TfLiteDelegateParams);
SAME(TfLiteDelegateParams, delegate);
SAME(TfLiteDelegateParams, nodes_to_replace);
SAME(TfLiteDelegateParams, input_tensors);
SAME(TfLiteDelegateParams, output_tensors);

SAME(TfLiteContext, tensors_size);
SAME(TfLiteContext, GetExecutionPlan);
SAME(TfLiteContext, tensors);
SAME(TfLiteContext, impl_);
SAME(TfLiteContext, ResizeTensor);
SAME(TfLiteContext, ReportError);
SAME(TfLiteContext, AddTensors);
SAME(TfLiteContext, GetNodeAndRegistration);
SAME(TfLiteContext, ReplaceNodeSubsetsWithDelegateKernels);
SAME(TfLiteContext, recommended_num_threads);

SAME_SIZE(TfLiteDelegate);
SAME(TfLiteDelegate, data_);
SAME(TfLiteDelegate, Prepare);
SAME(TfLiteDelegate, CopyFromBufferHandle);
SAME(TfLiteDelegate, CopyToBufferHandle);
SAME(TfLiteDelegate, FreeBufferHandle);
SAME(TfLiteDelegate, flags);
SAME(TfLiteDelegate, opaque_delegate_builder);
