// What an op of the delegate sees and what it has to offer. To add one: README.md.
#ifndef XNCAPS_DELEGATE_OP_H_
#define XNCAPS_DELEGATE_OP_H_

#include "delegate/flex_map.h"
#include "delegate/tflite_abi.h"
#include "kernels/dispatch.h"
#include "kernels/memory.h"
#include "kernels/status.h"
#include "kernels/thread_pool.h"

namespace xncaps {

// The structs keep TFLite's own names, in a namespace within ours.
using tflite::kTfLiteBool;
using tflite::kTfLiteError;
using tflite::kTfLiteFloat16;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteInt32;
using tflite::kTfLiteInt64;
using tflite::kTfLiteInt8;
using tflite::kTfLiteMmapRo;
using tflite::kTfLiteOk;
using tflite::kTfLitePersistentRo;
using tflite::kTfLiteUInt8;
using tflite::TfLiteContext;
using tflite::TfLiteIntArray;
using tflite::TfLiteNode;
using tflite::TfLiteRegistration;
using tflite::TfLiteStatus;
using tflite::TfLiteTensor;
using tflite::TfLiteType;

struct TailNode;

// One node: its tensors, options and what it may run on. Tensors that live only between nodes of
// the delegate have no buffer in TFLite; the Data functions know.
class OpContext {
 public:
  const char* name() const { return name_; }
  const FlexMap& options() const { return options_; }
  const Isa& isa() const { return *isa_; }
  ThreadPool* pool() const { return pool_; }
  // Built-in ops that are done along with it (tail.h); their operands are further inputs, the signs
  // of what they make the second output.
  const TailNode* tail() const { return tail_; }
  int tail_count() const { return tail_count_; }
  bool has_tail_bits() const { return has_tail_bits_; }
  int threads() const { return pool_ == nullptr ? 1 : pool_->threads(); }

  int input_count() const { return inputs_->size; }
  int output_count() const { return outputs_->size; }
  // Null where there is none (also an optional one that is left out).
  const TfLiteTensor* Input(int i) const { return Tensor(inputs_, i); }
  const TfLiteTensor* Output(int i) const { return Tensor(outputs_, i); }

  // Only in Invoke: the memory that the tensor has now, which may be less than its shape said in
  // Prepare, since other nodes may have changed it: kernels check it against what they will touch.
  // Empty where there is none; an output that is a constant of the file has none.
  ConstBytes InputBytes(int i) const;
  Bytes OutputBytes(int i) const;
  // What Invoke returns: reports what a kernel said.
  TfLiteStatus Ran(Status status) const;

  // Every one of these reports "<op> (node <index>): ..." when it does not return kTfLiteOk.
  TfLiteStatus Error(const char* format, ...) const __attribute__((format(printf, 2, 3)));
  TfLiteStatus CheckCounts(int min_inputs, int max_inputs, int outputs) const;
  // `what` names the tensor in messages; rank < 0: any. All dims >= 0 and bytes fit the shape.
  TfLiteStatus CheckTensor(const TfLiteTensor* tensor, const char* what, TfLiteType type,
                           int rank) const;
  // In the file and complete: data is there and its bytes are exactly those of the shape. Only of
  // such tensors may Prepare read Input(i)->data.
  TfLiteStatus CheckConstant(const TfLiteTensor* tensor, const char* what) const;
  // A tensor that is fed, computed or in the file: CheckTensor, and complete where it is in the
  // file.
  TfLiteStatus CheckInput(const TfLiteTensor* tensor, const char* what, TfLiteType type,
                          int rank) const;
  // An int8 tensor's scale is > 0 and its zero point one of its values.
  TfLiteStatus CheckQuantization(const TfLiteTensor* tensor, const char* what) const;
  // An integer option within [low, high]; `fallback` where it is missing, an error if null.
  TfLiteStatus IntOption(const char* key, int low, int high, const int* fallback, int* value) const;
  // Gives output i this shape (again at every Prepare: TFLite calls it after each resize).
  TfLiteStatus ResizeOutput(int i, int rank, const int* dims) const;

 private:
  friend class Partition;
  const TfLiteTensor* Tensor(const TfLiteIntArray* list, int i) const;

  TfLiteContext* context_ = nullptr;
  const class Partition* partition_ = nullptr;
  const char* name_ = nullptr;
  int node_ = 0;
  const TfLiteIntArray* inputs_ = nullptr;
  const TfLiteIntArray* outputs_ = nullptr;
  FlexMap options_;
  const Isa* isa_ = nullptr;
  ThreadPool* pool_ = nullptr;
  const TailNode* tail_ = nullptr;
  int tail_count_ = 0;
  bool has_tail_bits_ = false;
};

// One kind of node. Made by MakeOp from a class with
//   TfLiteStatus Prepare(const OpContext& op);  // checks, packs, resizes; again after each resize
//   TfLiteStatus Invoke(const OpContext& op);
struct OpType {
  const char* name;
  size_t state_size;
  void (*construct)(void* state);
  void (*destroy)(void* state);
  TfLiteStatus (*prepare)(void* state, const OpContext& op);
  TfLiteStatus (*invoke)(void* state, const OpContext& op);
};

template <typename State>
constexpr OpType MakeOp(const char* name) {
  return {name,
          sizeof(State),
          [](void* state) { new (XncapsHere{state}) State(); },
          [](void* state) { static_cast<State*>(state)->~State(); },
          [](void* state, const OpContext& op) { return static_cast<State*>(state)->Prepare(op); },
          [](void* state, const OpContext& op) { return static_cast<State*>(state)->Invoke(op); }};
}

// The op of this name, or null.
const OpType* FindOp(const char* name);

// Bytes of the tensor's shape and type; false: no shape, a negative axis, or more than there is.
bool ShapeBytes(const TfLiteTensor* tensor, size_t* bytes);
bool IsConstant(const TfLiteTensor* tensor);  // of the file: nobody may write to it
size_t TypeSize(TfLiteType type);             // 0: not one we know
const char* TypeName(TfLiteType type);

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_OP_H_
