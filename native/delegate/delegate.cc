#include "delegate/delegate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delegate/fusion.h"
#include "delegate/graph_check.h"
#include "delegate/host_check.h"
#include "delegate/partition.h"
#include "kernels/dispatch.h"
#include "kernels/thread_pool.h"

#if defined(XNCAPS_ANDROID) || defined(__ANDROID__)
extern "C" int __android_log_print(int priority, const char* tag, const char* format, ...);
#define XNCAPS_LOG(...) __android_log_print(4, "xncaps", __VA_ARGS__)
#else
#define XNCAPS_LOG(...) \
  (fprintf(stderr, "xncaps: "), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#endif

namespace xncaps {

using tflite::kTfLiteDelegateFlagsAllowDynamicTensors;
using tflite::PaddedRegistration;
using tflite::TfLiteDelegate;

namespace {

struct DelegateData {
  DelegateOptions options;
  const Isa* isa;
  int claimed;  // atomic: nodes of the last graph, -1 before the first
  // Atomic: pools by their number of threads, made when the first interpreter asks for one.
  ThreadPool* pools[kMaxThreads + 1];
};

DelegateData* DataOf(const TfLiteDelegate* delegate) {
  return static_cast<DelegateData*>(delegate->data_);
}

// The pool that all kernels with as many threads share; null: one thread, also where there is no
// memory for more.
ThreadPool* PoolOf(DelegateData* data, const TfLiteContext* context) {
  int threads = data->options.num_threads;
  if (threads == 0) threads = context->recommended_num_threads;
  if (threads <= 1) return nullptr;
  if (threads > kMaxThreads) threads = kMaxThreads;
  // Without a lock, which a fork could leave locked: two interpreters at once may both make one.
  ThreadPool** place = &data->pools[threads];
  ThreadPool* pool = __atomic_load_n(place, __ATOMIC_ACQUIRE);
  if (pool != nullptr) return pool;
  ThreadPool* fresh = ThreadPool::Create(threads);
  if (__atomic_compare_exchange_n(place, &pool, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return fresh;
  ThreadPool::Delete(fresh);
  return pool;
}

void* KernelInit(TfLiteContext* context, const char* buffer, size_t) {
  const auto* params = reinterpret_cast<const TfLiteDelegateParams*>(buffer);
  DelegateData* data = DataOf(params->delegate);
  return Partition::Create(context, params, data->isa, PoolOf(data, context));
}

void KernelFree(TfLiteContext*, void* partition) {
  Partition::Delete(static_cast<Partition*>(partition));
}

TfLiteStatus KernelPrepare(TfLiteContext*, TfLiteNode* node) {
  Partition* partition = static_cast<Partition*>(node->user_data);
  return partition == nullptr ? kTfLiteError : partition->Prepare();
}

TfLiteStatus KernelInvoke(TfLiteContext*, TfLiteNode* node) {
  return static_cast<Partition*>(node->user_data)->Invoke();
}

// Not by the host's ReportError: of a context that is not as declared nothing is called.
TfLiteStatus Strange(const char* what) {
  XNCAPS_LOG(
      "expected a TFLite of 2.14 to 2.21 or a LiteRT of 1.0 to 2.3, or one with the same "
      "structs. Received: one in which %s cannot be right.",
      what);
  return kTfLiteError;
}

// The plan, as a TfLiteIntArray to free(): the host's own is overwritten by later calls. Null: an
// error.
TfLiteIntArray* CopyOfPlan(TfLiteContext* context) {
  TfLiteIntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return nullptr;
  const size_t bytes = sizeof(int) * (static_cast<size_t>(plan->size) + 1);
  TfLiteIntArray* nodes = static_cast<TfLiteIntArray*>(malloc(bytes));
  if (nodes != nullptr) memcpy(nodes, plan, bytes);
  return nodes;
}

TfLiteStatus Replace(TfLiteContext* context, const TfLiteIntArray* nodes,
                     TfLiteDelegate* delegate) {
  PaddedRegistration padded;
  memset(&padded, 0, sizeof padded);
  padded.registration.init = KernelInit;
  padded.registration.free = KernelFree;
  padded.registration.prepare = KernelPrepare;
  padded.registration.invoke = KernelInvoke;
  padded.registration.custom_name = "XncapsDelegate";
  padded.registration.version = 1;
  if (context->ReplaceNodeSubsetsWithDelegateKernels(context, padded, nodes, delegate) != kTfLiteOk)
    return kTfLiteError;
  const char* strange = StrangeReplacement(context, delegate, padded.registration);
  return strange == nullptr ? kTfLiteOk : Strange(strange);
}

TfLiteStatus DelegatePrepare(TfLiteContext* context, TfLiteDelegate* delegate) {
  DelegateData* data = DataOf(delegate);
  const char* strange = StrangeHost(context);
  if (strange != nullptr) return Strange(strange);
  TfLiteIntArray* nodes = CopyOfPlan(context);
  if (nodes == nullptr) return kTfLiteError;
  const int total = nodes->size;
  if (CheckGraph(context, nodes) != kTfLiteOk ||
      KeepClaimed(context, data->options.keep_builtins == 0, nodes) != kTfLiteOk) {
    free(nodes);
    return kTfLiteError;
  }
  if (data->options.verbose > 0) {
    XNCAPS_LOG("%d of %d nodes claimed, kernels %s", nodes->size, total, data->isa->name);
  }
  __atomic_store_n(&data->claimed, nodes->size, __ATOMIC_RELEASE);
  const TfLiteStatus status = nodes->size > 0 ? Replace(context, nodes, delegate) : kTfLiteOk;
  free(nodes);
  return status;
}

struct DelegateMemory {
  TfLiteDelegate delegate;
  void* zeros[8];  // a newer host's struct may be longer
  DelegateData data;
};

}  // namespace

TfLiteDelegate* CreateDelegate(const DelegateOptions& options, void (*report_error)(const char*)) {
  char message[200] = "xncaps: ";
  const size_t prefix = strlen(message);
  const Isa* isa = nullptr;
  if (options.num_threads < 0 || options.num_threads > kMaxThreads) {
    snprintf(message + prefix, sizeof message - prefix,
             "option num_threads: expected 0 to %d. Received: %d.", kMaxThreads,
             options.num_threads);
  } else {
    isa = ChooseIsa(options.isa, message + prefix, static_cast<int>(sizeof message - prefix));
  }
  DelegateMemory* memory = nullptr;
  if (isa != nullptr) {
    memory = static_cast<DelegateMemory*>(calloc(1, sizeof(DelegateMemory)));
    if (memory == nullptr) snprintf(message + prefix, sizeof message - prefix, "out of memory");
  }
  if (memory == nullptr) {
    if (report_error != nullptr) report_error(message);
    return nullptr;
  }
  memory->data.options = options;
  memory->data.options.isa = nullptr;  // the caller's string may go
  memory->data.isa = isa;
  memory->data.claimed = -1;
  memory->delegate.data_ = &memory->data;
  memory->delegate.Prepare = DelegatePrepare;
  memory->delegate.flags = kTfLiteDelegateFlagsAllowDynamicTensors;
  return &memory->delegate;
}

int ClaimedNodes(const TfLiteDelegate* delegate) {
  return __atomic_load_n(&DataOf(delegate)->claimed, __ATOMIC_ACQUIRE);
}

void DeleteDelegate(TfLiteDelegate* delegate) {
  if (delegate == nullptr) return;
  DelegateData* data = DataOf(delegate);
  for (ThreadPool* pool : data->pools) ThreadPool::Delete(pool);
  free(reinterpret_cast<DelegateMemory*>(delegate));
}

}  // namespace xncaps
