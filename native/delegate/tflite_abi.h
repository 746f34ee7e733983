// The part of TFLite's C structs that an external delegate needs, declared here so that building
// needs no TensorFlow. test/abi_test.cc holds every size, offset and value against the headers of
// the AARs 2.14.0 and 2.16.1; test/probe_delegate.cc does so at run time, in each runtime.
#ifndef XNCAPS_DELEGATE_TFLITE_ABI_H_
#define XNCAPS_DELEGATE_TFLITE_ABI_H_

#include <stddef.h>
#include <stdint.h>

namespace xncaps {
namespace tflite {

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

enum TfLiteType {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteBool = 6,
  kTfLiteInt8 = 9,
  kTfLiteFloat16 = 10,
};

enum TfLiteAllocationType {
  kTfLiteMemNone = 0,
  kTfLiteMmapRo = 1,
  kTfLiteArenaRw = 2,
  kTfLiteArenaRwPersistent = 3,
  kTfLiteDynamic = 4,
  kTfLitePersistentRo = 5,
  kTfLiteCustom = 6,
};

enum TfLiteQuantizationType { kTfLiteNoQuantization = 0, kTfLiteAffineQuantization = 1 };

struct TfLiteIntArray {
  int size;
  int data[1];  // `size` of them
};

struct TfLiteFloatArray {
  int size;
  float data[1];
};

struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};

struct TfLiteAffineQuantization {
  TfLiteFloatArray* scale;
  TfLiteIntArray* zero_point;
  int32_t quantized_dimension;
};

struct TfLiteQuantization {
  TfLiteQuantizationType type;
  void* params;
};

struct TfLiteTensor {
  TfLiteType type;
  void* data;  // a union of pointers
  TfLiteIntArray* dims;
  TfLiteQuantizationParams params;
  TfLiteAllocationType allocation_type;
  size_t bytes;
  const void* allocation;
  const char* name;
  void* delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  TfLiteQuantization quantization;
  void* sparsity;
  const TfLiteIntArray* dims_signature;
};

struct TfLiteNode {
  TfLiteIntArray* inputs;
  TfLiteIntArray* outputs;
  TfLiteIntArray* intermediates;
  TfLiteIntArray* temporaries;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
  void* delegate;
  bool might_have_side_effect;
};

struct TfLiteContext;
struct TfLiteDelegate;

struct TfLiteRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, size_t length);
  void (*free)(TfLiteContext* context, void* buffer);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
  const char* (*profiling_string)(const TfLiteContext* context, const TfLiteNode* node);
  int32_t builtin_code;
  const char* custom_name;
  int version;
  void* registration_external;
  void* async_kernel;
  uint64_t inplace_operator;
};

// Passed by value to the host, whose own struct may be longer: what it copies beyond ours is zero.
// The host declares a struct of another size in its place. That works where a large struct goes as
// a block of the stack that no other argument lies behind (x86-64) or as a pointer (aarch64), and
// nowhere that arguments follow it on the stack: every 32-bit ABI.
#if !(defined(__x86_64__) || defined(__aarch64__)) || defined(__ILP32__)
#error "xncaps needs a 64-bit ABI, x86-64 or aarch64: see PaddedRegistration"
#endif
struct PaddedRegistration {
  TfLiteRegistration registration;
  void* zeros[8];
};

struct TfLiteDelegateParams {
  TfLiteDelegate* delegate;
  TfLiteIntArray* nodes_to_replace;
  TfLiteIntArray* input_tensors;
  TfLiteIntArray* output_tensors;
};

// Only up to the last member that is used. Null in a delegate's context: ResizeTensorExplicit,
// GetTensor, AllocatePersistentBuffer and the scratch buffers, so they are not even declared.
struct TfLiteContext {
  size_t tensors_size;
  TfLiteStatus (*GetExecutionPlan)(TfLiteContext* context, TfLiteIntArray** execution_plan);
  TfLiteTensor* tensors;
  void* impl_;
  TfLiteStatus (*ResizeTensor)(TfLiteContext* context, TfLiteTensor* tensor,
                               TfLiteIntArray* new_size);
  void (*ReportError)(TfLiteContext* context, const char* message, ...);
  void* AddTensors;
  TfLiteStatus (*GetNodeAndRegistration)(TfLiteContext* context, int node_index, TfLiteNode** node,
                                         TfLiteRegistration** registration);
  TfLiteStatus (*ReplaceNodeSubsetsWithDelegateKernels)(TfLiteContext* context,
                                                        PaddedRegistration registration,
                                                        const TfLiteIntArray* nodes_to_replace,
                                                        TfLiteDelegate* delegate);
  int recommended_num_threads;
};

enum { kTfLiteDelegateFlagsAllowDynamicTensors = 1 };

struct TfLiteDelegate {
  void* data_;
  TfLiteStatus (*Prepare)(TfLiteContext* context, TfLiteDelegate* delegate);
  void* CopyFromBufferHandle;
  void* CopyToBufferHandle;
  void* FreeBufferHandle;
  int64_t flags;
  void* opaque_delegate_builder;
};

constexpr int kBuiltinAdd = 0;
constexpr int kBuiltinMul = 18;
constexpr int kBuiltinRelu = 19;
constexpr int kBuiltinReluN1To1 = 20;
constexpr int kBuiltinRelu6 = 21;
constexpr int kBuiltinCustom = 32;
constexpr int kBuiltinMaximum = 55;
constexpr int kBuiltinMinimum = 57;
constexpr int kBuiltinStablehloComposite = 206;

// What builtin_data of a STABLEHLO_COMPOSITE begins with.
struct TfLiteStablehloCompositeParams {
  const char* name;
  int32_t subgraph_index;
  const uint8_t* attributes;
  size_t attributes_size;
  int32_t version;
};

}  // namespace tflite
}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_TFLITE_ABI_H_
