// The part of the NDK's <android/log.h> that the bridge uses, for builds without the NDK.
#ifndef XNCAPS_ANDROID_LOG_H_
#define XNCAPS_ANDROID_LOG_H_

#ifdef __cplusplus
extern "C" {
#endif

enum { ANDROID_LOG_ERROR = 6 };
int __android_log_write(int priority, const char* tag, const char* text);

#ifdef __cplusplus
}
#endif

#endif  // XNCAPS_ANDROID_LOG_H_
