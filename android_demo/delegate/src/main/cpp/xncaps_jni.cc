// The four native methods of org.xncaps.delegate.XncapsDelegate.
#include <android/log.h>
#include <jni.h>
#include <stdint.h>
#include <stdio.h>

#include "xncaps/xncaps.h"

namespace {

void Report(const char* message) { __android_log_write(ANDROID_LOG_ERROR, "xncaps", message); }

}  // namespace

extern "C" {

JNIEXPORT jlong JNICALL Java_org_xncaps_delegate_XncapsDelegate_create(JNIEnv*, jclass,
                                                                       jint threads) {
  XncapsDelegateOptions options;
  XncapsDelegateOptionsInit(&options, sizeof options);
  options.num_threads = threads;
  options.report_error = Report;
  return reinterpret_cast<intptr_t>(XncapsDelegateCreate(&options));
}

JNIEXPORT void JNICALL Java_org_xncaps_delegate_XncapsDelegate_delete(JNIEnv*, jclass,
                                                                      jlong handle) {
  XncapsDelegateDelete(reinterpret_cast<TfLiteDelegate*>(static_cast<intptr_t>(handle)));
}

JNIEXPORT jint JNICALL Java_org_xncaps_delegate_XncapsDelegate_nodes(JNIEnv*, jclass,
                                                                     jlong handle) {
  return XncapsDelegateNodes(reinterpret_cast<TfLiteDelegate*>(static_cast<intptr_t>(handle)));
}

JNIEXPORT jstring JNICALL Java_org_xncaps_delegate_XncapsDelegate_nativeVersion(JNIEnv* env,
                                                                               jclass) {
  const char* isa = XncapsIsa();
  char text[64];
  snprintf(text, sizeof text, "%s (%s)", XncapsVersion(), isa == nullptr ? "no kernels" : isa);
  return env->NewStringUTF(text);
}

}  // extern "C"
