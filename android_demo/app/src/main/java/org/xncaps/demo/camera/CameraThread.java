package org.xncaps.demo.camera;

import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.os.Handler;
import android.os.HandlerThread;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Problem;

/**
 * The one thread of all that happens with cameras in this app, for whichever screen wants one. It
 * begins when one is wanted and ends once none is open or wanted; no other thread waits for it.
 */
public final class CameraThread implements FrameSource.Factory {
  private static final long RETRY_MILLIS = 1000;
  private static final long CLOSE_MILLIS = 3000;

  private final CameraManager manager;
  private HandlerThread thread;
  private Handler handler;
  private CameraStates<CameraSource, CameraDevice> states;
  private CameraStreams streams;
  private CameraSource wanted;
  private int asked;
  private final CameraManager.AvailabilityCallback available =
      new CameraManager.AvailabilityCallback() {
        @Override
        public void onCameraAvailable(String id) {
          retrySoon();
        }

        @Override
        public void onCameraAccessPrioritiesChanged() { // from Android 10
          retrySoon();
        }
      };

  public CameraThread(CameraManager manager) {
    this.manager = manager;
  }

  @Override
  public boolean needsPreview() {
    return true;
  }

  @Override
  public FrameSource create(
      boolean front, SurfaceTexture preview, int rotation, FrameSource.Listener listener) {
    return new CameraSource(this, front, preview, rotation, listener);
  }

  @Override
  public void release(SurfaceTexture texture) {
    post(
        () -> {
          CameraSource using = states.used();
          if (using != null && using.preview == texture) {
            using.orphaned = true;
          } else {
            texture.release();
          }
          if (states.idle()) {
            states.want(null); // ends the thread that this began
          }
        });
  }

  // --- from any thread

  private synchronized void post(Runnable work) {
    if (thread == null) {
      thread = new HandlerThread("camera");
      thread.start();
      handler = new Handler(thread.getLooper());
      Handler mine = handler;
      states = new CameraStates<>(new Hardware(mine));
      if (manager != null) {
        mine.post(() -> manager.registerAvailabilityCallback(available, mine));
      }
    }
    asked++;
    handler.post(
        () -> {
          synchronized (this) {
            asked--;
          }
          work.run();
        });
  }

  void want(CameraSource source) {
    post(
        () -> {
          wanted = source;
          states.want(source);
        });
  }

  /** Another screen's wish, which came meanwhile, stays. */
  void unwant(CameraSource source) {
    post(
        () -> {
          if (wanted == source) {
            wanted = null;
            states.want(null);
          } else if (states.idle()) {
            states.want(null); // ends the thread that this began
          }
        });
  }

  /** @param byUser whether the user asked for it */
  void retry(boolean byUser) {
    post(() -> states.retry(byUser));
  }

  /** Torch or zoom were changed. */
  void refresh(CameraSource source) {
    post(
        () -> {
          if (streams != null && streams.source == source) {
            streams.repeat();
          }
        });
  }

  /** Whether there is a thread; for tests. */
  public synchronized boolean alive() {
    return thread != null;
  }

  // --- on the camera's thread

  /** Not at once: a camera that fails over and over is told to be free after each time. */
  private void retrySoon() {
    CameraStates<CameraSource, CameraDevice> now = states;
    if (now != null && now.waiting()) {
      handler.postDelayed(() -> now.retry(false), RETRY_MILLIS);
    }
  }

  /** Ends the thread, unless someone asked for a camera meanwhile. */
  private synchronized void end(Handler mine) {
    if (mine != handler || asked > 0 || !states.idle()) {
      return;
    }
    if (manager != null) {
      manager.unregisterAvailabilityCallback(available);
    }
    thread.quit();
    thread = null;
    handler = null;
    states = null;
  }

  /** Camera2, as the states want it. */
  private final class Hardware implements CameraStates.Hardware<CameraSource, CameraDevice> {
    private final Handler mine;
    private CameraDevice closing;

    Hardware(Handler mine) {
      this.mine = mine;
    }

    @Override
    @android.annotation.SuppressLint("MissingPermission") // a refusal is caught as any failure
    public void open(CameraSource source) throws Exception {
      CameraChoice choice = manager == null ? null : CameraChoice.find(manager, source.front);
      if (choice == null) {
        throw new NoCamera();
      }
      streams = new CameraStreams(source, choice, mine, this::broken);
      manager.openCamera(choice.id, new DeviceState(), mine);
    }

    private void broken(String reason) {
      states.lost(null, reason, false);
    }

    @Override
    public void stream(CameraSource source, CameraDevice device) throws Exception {
      streams.start(device);
    }

    @Override
    public void close(CameraDevice device) {
      if (streams != null) {
        streams.close();
        streams = null;
      }
      closing = device;
      device.close();
      // Some makers' services forget to say so.
      mine.postDelayed(() -> closed(device), CLOSE_MILLIS);
    }

    private void closed(CameraDevice device) {
      if (device == closing) {
        closing = null;
        states.closed();
      }
    }

    @Override
    public void discard(CameraDevice device) {
      device.close();
    }

    @Override
    public void released(CameraSource source) {
      if (source.orphaned) {
        source.preview.release();
      }
    }

    @Override
    public void failed(CameraSource source, String reason, boolean willRetry) {
      android.util.Log.w("xncaps", "camera: " + reason);
      boolean none = reason.contains(NoCamera.class.getSimpleName());
      source.problem(
          none ? new Problem(R.string.camera_none, R.string.camera_none_advice, null)
              : new Problem(
                  R.string.camera_failed,
                  willRetry ? R.string.camera_busy_advice : R.string.camera_failed_advice, reason));
    }

    @Override
    public void idle() {
      mine.post(() -> end(mine));
    }

    /** The system's answers. */
    private final class DeviceState extends CameraDevice.StateCallback {
      @Override
      public void onOpened(CameraDevice opened) {
        states.opened(opened);
      }

      @Override
      public void onDisconnected(CameraDevice lost) {
        states.lost(lost, "disconnected", true);
      }

      @Override
      public void onError(CameraDevice broken, int error) {
        states.lost(broken, CameraErrors.words(error), CameraErrors.mayReturn(error));
      }

      @Override
      public void onClosed(CameraDevice closed) {
        Hardware.this.closed(closed);
      }
    }
  }

  /** There is no camera that gives frames. */
  private static final class NoCamera extends Exception {
    private static final long serialVersionUID = 1;
  }
}
