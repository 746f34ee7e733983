package org.xncaps.delegate;

import org.tensorflow.lite.Delegate;

/**
 * Runs one-bit capsule layers (XnCapsOdr, XnCapsIdr, XnCapsFc) and larq-compute-engine's ops in
 * TensorFlow Lite's own interpreter:
 *
 * <pre>
 *   try (XncapsDelegate delegate = new XncapsDelegate(2);
 *       Interpreter interpreter =
 *           new Interpreter(model, new Interpreter.Options().addDelegate(delegate))) { ... }
 * </pre>
 *
 * Close it after every interpreter that uses it.
 */
public final class XncapsDelegate implements Delegate, AutoCloseable {
  private static final String LIBRARY = "xncaps_delegate";
  private static final UnsatisfiedLinkError LOAD_ERROR = load();

  private long handle;

  /**
   * @param threads how many threads the ops of this delegate use, at least 1
   * @throws UnsupportedOperationException where the device's ABI has no library in the app
   */
  public XncapsDelegate(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("expected at least 1 thread, got " + threads);
    }
    if (LOAD_ERROR != null) {
      throw new UnsupportedOperationException(
          "expected lib" + LIBRARY + ".so for this device, got: " + LOAD_ERROR.getMessage(),
          LOAD_ERROR);
    }
    handle = create(threads);
    if (handle == 0) {
      throw new IllegalStateException("expected a delegate, got none (out of memory?)");
    }
  }

  /** Version of the native library and the instruction set that it chose. */
  public static String version() {
    return LOAD_ERROR == null ? nativeVersion() : "not available";
  }

  /** Why the library cannot be used here; null where it can. */
  public static String unavailable() {
    return LOAD_ERROR == null ? null : LOAD_ERROR.getMessage();
  }

  @Override
  public long getNativeHandle() {
    if (handle == 0) {
      throw new IllegalStateException("expected an open delegate, got a closed one");
    }
    return handle;
  }

  /** How many nodes of the last model that was opened with it it runs; -1 before any was. */
  public int nodes() {
    return nodes(getNativeHandle());
  }

  @Override
  public void close() {
    if (handle != 0) {
      delete(handle);
      handle = 0;
    }
  }

  private static UnsatisfiedLinkError load() {
    try {
      System.loadLibrary(LIBRARY);
      return null;
    } catch (UnsatisfiedLinkError error) {
      return error;
    }
  }

  private static native long create(int threads);

  private static native void delete(long handle);

  private static native int nodes(long handle);

  private static native String nativeVersion();
}
