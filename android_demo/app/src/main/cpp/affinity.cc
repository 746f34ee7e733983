// The native method of org.xncaps.demo.measure.Affinity: Java has no way to choose cores.
#include <jni.h>
#include <stdint.h>

extern "C" {

// bionic's and glibc's alike; declared here since the two name the mask's type differently.
int sched_setaffinity(int thread, size_t size, const void* mask);

// bionic's place of errno.
int* __errno();

// 0, or errno where the system refused. Thread 0 is the calling one.
JNIEXPORT jint JNICALL Java_org_xncaps_demo_measure_Affinity_setMask(JNIEnv*, jclass, jlong mask) {
  const uint64_t cores = static_cast<uint64_t>(mask);
  return sched_setaffinity(0, sizeof cores, &cores) == 0 ? 0 : *__errno();
}

}  // extern "C"
