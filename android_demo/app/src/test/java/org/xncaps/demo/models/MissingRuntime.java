package org.xncaps.demo.models;

import org.junit.rules.ExternalResource;
import org.tensorflow.lite.TensorFlowLite;

/** A device for whose processor the APK has no TensorFlow Lite, once it is taken away. */
public final class MissingRuntime extends ExternalResource {
  public void takeAway() {
    NativeRuntime.loader =
        () -> {
          throw new UnsatisfiedLinkError("libtensorflowlite_jni.so not found");
        };
  }

  @Override
  protected void after() {
    NativeRuntime.loader = TensorFlowLite::init;
  }
}
