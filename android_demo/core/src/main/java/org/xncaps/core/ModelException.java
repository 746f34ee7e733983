package org.xncaps.core;

import java.io.IOException;

/** A file that this app, or this device, cannot use as a classifier; the kind decides what the user is told to do. */
public final class ModelException extends IOException {
  private static final long serialVersionUID = 1;

  /** What is wrong with the file. */
  public enum Kind {
    /** Not a TensorFlow Lite file, or cut short. */
    BROKEN,
    /** A good file, but no classifier of pictures. */
    UNFIT,
    /** Its metadata contradicts the model. */
    METADATA,
    /** Has an op that only the delegate runs, and the delegate is off or failed. */
    NEEDS_DELEGATE,
    /** Has an op that nothing in this app runs. */
    UNKNOWN_OP,
    /** The app's runtime has no library for this device. */
    NO_RUNTIME,
    /** The app's runtime is built for pages of 4 KiB, and this device has larger ones. */
    PAGE_SIZE,
    /** Cannot be read from where it is. */
    UNREADABLE
  }

  public final Kind kind;

  public ModelException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public ModelException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }
}
