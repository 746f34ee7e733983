package org.xncaps.demo.camera;

/**
 * What the camera is beside what is wanted of it: the one place that decides when a camera is opened
 * and closed. Every method is called on one thread, the camera's; nothing here knows Android.
 *
 * <pre>
 *   CLOSED --open--> OPENING --opened--> OPEN --not wanted any more--> CLOSING --closed--> CLOSED
 *                       |  lost, or opened and not wanted any more        ^
 *                       +--------------------------------------------------+
 * </pre>
 *
 * @param <W> what can be wanted: a camera and where its pictures go
 * @param <D> an opened device
 */
final class CameraStates<W, D> {
  enum State { CLOSED, OPENING, OPEN, CLOSING }

  /** What the camera's thread does for the states. */
  interface Hardware<W, D> {
    /** Begins to open; the answer comes as opened or lost. Throws where that is known at once. */
    void open(W wanted) throws Exception;

    /** Begins to close; the answer comes as closed. Lets go of sessions and streams first. */
    void close(D device);

    /** Makes the streams of an opened device; throws where they cannot be had. */
    void stream(W wanted, D device) throws Exception;

    /** The device is closed: whatever the wanted one holds for it (a surface) can be let go of. */
    void released(W wanted);

    /** Closes a device that nothing was made for. */
    void discard(D device);

    /** @param willRetry whether it is opened again by itself, once it may be free */
    void failed(W wanted, String reason, boolean willRetry);

    /** Nothing is open and nothing wanted: the thread may end. */
    void idle();
  }

  private final Hardware<W, D> hardware;
  private State state = State.CLOSED;
  private W wanted;
  private W used;
  private D device;
  private boolean waiting;
  private boolean byItself;

  CameraStates(Hardware<W, D> hardware) {
    this.hardware = hardware;
  }

  State state() {
    return state;
  }

  /** What the camera is open, opening or closing for; null while it is closed. */
  W used() {
    return used;
  }

  /** Whether it waits for a sign that the camera may be free again. */
  boolean waiting() {
    return waiting && byItself;
  }

  /** Nothing is open, and nothing wanted. */
  boolean idle() {
    return state == State.CLOSED && wanted == null;
  }

  /** @param wanted null for no camera */
  void want(W wanted) {
    W before = this.wanted;
    this.wanted = wanted;
    waiting = false;
    if (before != null && before != wanted && before != used) {
      hardware.released(before); // it never came to be opened
    }
    step();
  }

  /**
   * Tries again after a failure.
   *
   * @param byUser whether the user said so; else something let go of a camera, or this app came to the
   *     front, which mends some failures only
   */
  void retry(boolean byUser) {
    if (waiting && (byItself || byUser)) {
      waiting = false;
      step();
    }
  }

  void opened(D opened) {
    if (state != State.OPENING) {
      hardware.discard(opened); // an answer to a question that was given up
      return;
    }
    device = opened;
    state = State.OPEN;
    if (used != wanted) {
      step();
      return;
    }
    try {
      hardware.stream(used, opened);
    } catch (Exception e) {
      lost(opened, e.toString(), false);
    }
  }

  /**
   * The device went away, before or after it was opened, or its streams could not be had.
   *
   * @param lost the device that came with the word, null where there was none
   * @param mayReturn whether it can be had again without the user's doing
   */
  void lost(D lost, String reason, boolean mayReturn) {
    if (state != State.OPENING && state != State.OPEN) {
      return; // it is being closed anyway
    }
    if (used == wanted) {
      waiting = true; // not to open it anew at once, for ever
      byItself = mayReturn;
      hardware.failed(used, reason, mayReturn);
    }
    device = lost == null ? device : lost;
    close();
  }

  void closed() {
    if (state != State.CLOSING) {
      return;
    }
    W before = used;
    state = State.CLOSED;
    device = null;
    used = null;
    if (before != wanted) {
      hardware.released(before);
    }
    step();
  }

  private void close() {
    state = State.CLOSING;
    if (device == null) {
      closed();
    } else {
      hardware.close(device);
    }
  }

  private void step() {
    switch (state) {
      case CLOSED:
        if (wanted == null) {
          hardware.idle();
        } else if (!waiting) {
          open();
        }
        break;
      case OPEN:
        if (used != wanted) {
          close();
        }
        break;
      default:
        // OPENING and CLOSING end by the system's word alone
    }
  }

  private void open() {
    state = State.OPENING;
    used = wanted;
    try {
      hardware.open(used);
    } catch (Exception e) {
      lost(null, e.toString(), CameraErrors.mayReturn(e));
    }
  }
}
