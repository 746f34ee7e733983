// The nodes of one delegate kernel, in order, and the tensors that live between them.
#ifndef XNCAPS_DELEGATE_PARTITION_H_
#define XNCAPS_DELEGATE_PARTITION_H_

#include "delegate/fusion.h"
#include "delegate/op.h"
#include "kernels/memory.h"

namespace xncaps {

using tflite::TfLiteDelegateParams;

// The op of a node that the delegate claims, or null. `options` may be null.
const OpType* OpOfNode(const TfLiteNode* node, const TfLiteRegistration* registration,
                       FlexMap* options);

class Partition {
 public:
  // Null: out of memory or a node that cannot be read (reported).
  static Partition* Create(TfLiteContext* context, const TfLiteDelegateParams* params,
                           const Isa* isa, ThreadPool* pool);
  static void Delete(Partition* partition);

  TfLiteStatus Prepare();
  TfLiteStatus Invoke();

  // The buffer of a tensor that only nodes of this partition see. False: it is the host's.
  bool OwnBytes(int tensor, Bytes* bytes) const;

 private:
  struct Node {
    OpContext op;
    const OpType* type;
    void* state;
    Fusion fusion;
  };
  struct OwnTensor {
    int index;
    Buffer* place;  // one of places_, shared with tensors that live at other times
    size_t bytes;   // of the shape it has been given
  };
  // Memory that tensors of one type use one after the other: the caches still hold it.
  struct Place {
    Buffer buffer;
    TfLiteType type;
    int last;  // node that last reads what is in it
  };

  bool AddNodes(TfLiteContext* context, const TfLiteDelegateParams* params);
  bool AddNode(TfLiteContext* context, int index, const Fusion& fusion);
  bool AddOwnTensors(const TfLiteIntArray* outside);
  Buffer* PlaceFor(int tensor, int node);
  TfLiteStatus ReserveOutputs(const Node& node);

  TfLiteContext* context_ = nullptr;
  const Isa* isa_ = nullptr;
  ThreadPool* pool_ = nullptr;
  Node* nodes_ = nullptr;
  int node_count_ = 0;
  OwnTensor* own_ = nullptr;
  int own_count_ = 0;
  Place* places_ = nullptr;
  int place_count_ = 0;
};

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_PARTITION_H_
