package org.xncaps.demo.models;

import android.system.Os;
import android.system.OsConstants;
import org.tensorflow.lite.TensorFlowLite;
import org.xncaps.core.ModelException;

/** Whether TensorFlow Lite's own library is here, asked before anything uses it. */
public final class NativeRuntime {
  private static final long SMALL_PAGE = 4096;

  /** Loads the library; tests take it away. */
  static Runnable loader = TensorFlowLite::init;

  private NativeRuntime() {}

  /** @throws ModelException of the kind NO_RUNTIME or PAGE_SIZE where it cannot be loaded */
  public static void check() throws ModelException {
    try {
      loader.run();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw missing(e);
    }
  }

  static ModelException missing(LinkageError error) {
    return missing(error, Os.sysconf(OsConstants._SC_PAGESIZE));
  }

  /** @param page the device's page size in bytes: the linker refuses segments of smaller ones */
  static ModelException missing(LinkageError error, long page) {
    boolean pages = page > SMALL_PAGE;
    return new ModelException(
        pages ? ModelException.Kind.PAGE_SIZE : ModelException.Kind.NO_RUNTIME,
        (pages ? "pages of " + page + " bytes: " : "") + error.getMessage(), error);
  }

  /** TensorFlow Lite's version in words, or why there is none. */
  public static String version() {
    try {
      check();
      return "TensorFlow Lite " + TensorFlowLite.runtimeVersion();
    } catch (ModelException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** TensorFlow Lite's version; null where its library cannot be loaded. */
  public static String number() {
    try {
      check();
      return TensorFlowLite.runtimeVersion();
    } catch (ModelException e) {
      android.util.Log.w("xncaps", "no runtime", e);
      return null;
    }
  }
}
