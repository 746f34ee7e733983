package org.xncaps.demo.camera;

import android.annotation.SuppressLint;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.media.Image;
import android.media.ImageReader;
import android.os.Handler;
import android.os.HandlerThread;
import android.util.Size;
import android.view.Surface;
import java.util.Arrays;
import org.xncaps.core.Orientation;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Frames;
import org.xncaps.demo.models.Problem;

/**
 * One opened camera, from start to close. All of its state lives on its own thread, so a callback
 * that comes after close finds the camera closed and lets go of what it brings.
 */
public final class CameraController implements FrameSource {
  private static final int MOST_IMAGES = 2;
  private static final long CLOSE_MILLIS = 3000;

  private final CameraManager manager;
  private final CameraChoice choice;
  private final SurfaceTexture preview;
  private final Listener listener;
  private final HandlerThread thread = new HandlerThread("camera");
  private Handler handler;
  private volatile int displayRotation;

  private CameraDevice device;
  private CameraCaptureSession session;
  private ImageReader reader;
  private Surface surface;
  private boolean closed;

  /** @param preview where the camera's picture is shown; null for none */
  public CameraController(
      CameraManager manager, CameraChoice choice, SurfaceTexture preview, int displayRotation,
      Listener listener) {
    this.manager = manager;
    this.choice = choice;
    this.preview = preview;
    this.displayRotation = displayRotation;
    this.listener = listener;
  }

  @Override
  public void start() {
    thread.start();
    handler = new Handler(thread.getLooper());
    handler.post(
        new Runnable() {
          @Override
          public void run() {
            open();
          }
        });
  }

  @Override
  public void setDisplayRotation(int degrees) {
    displayRotation = degrees;
  }

  @Override
  public void close() {
    if (handler == null) {
      return;
    }
    handler.post(
        new Runnable() {
          @Override
          public void run() {
            closeAll();
          }
        });
    thread.quitSafely();
    try {
      // The next activity opens the same camera: it must be free by then.
      thread.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    handler = null;
  }

  @SuppressLint("MissingPermission") // whoever starts this has asked; a refusal is caught
  private void open() {
    if (closed) {
      return;
    }
    try {
      Size size = choice.size;
      reader = ImageReader.newInstance(
          size.getWidth(), size.getHeight(), android.graphics.ImageFormat.YUV_420_888, MOST_IMAGES);
      reader.setOnImageAvailableListener(new Images(), handler);
      manager.openCamera(choice.id, new DeviceState(), handler);
      listener.onPreview(
          new PreviewGeometry(size.getWidth(), size.getHeight(), choice.sensorOrientation));
    } catch (CameraAccessException | SecurityException | IllegalArgumentException e) {
      fail(e.toString());
    }
  }

  private void startSession(CameraDevice opened) {
    try {
      final CaptureRequest.Builder request =
          opened.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
      request.addTarget(reader.getSurface());
      request.set(
          CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE);
      java.util.List<Surface> targets;
      if (preview != null) {
        preview.setDefaultBufferSize(choice.size.getWidth(), choice.size.getHeight());
        surface = new Surface(preview);
        request.addTarget(surface);
        targets = Arrays.asList(surface, reader.getSurface());
      } else {
        targets = Arrays.asList(reader.getSurface());
      }
      opened.createCaptureSession(targets, new SessionState(request), handler);
    } catch (CameraAccessException | IllegalStateException | IllegalArgumentException e) {
      fail(e.toString());
    }
  }

  private void fail(String detail) {
    closeAll();
    listener.onProblem(new Problem(R.string.camera_failed, R.string.camera_failed_advice, detail));
  }

  /** Closes in reverse order of opening. */
  private void closeAll() {
    closed = true;
    if (session != null) {
      session.close();
      session = null;
    }
    if (device != null) {
      device.close();
      device = null;
    }
    if (reader != null) {
      reader.close();
      reader = null;
    }
    if (surface != null) {
      surface.release();
      surface = null;
    }
  }

  private final class Images implements ImageReader.OnImageAvailableListener {
    @Override
    public void onImageAvailable(ImageReader from) {
      if (closed) {
        return;
      }
      try (Image image = from.acquireLatestImage()) {
        if (image != null) {
          int degrees =
              Orientation.toUpright(choice.sensorOrientation, displayRotation, choice.front);
          listener.onFrame(Frames.view(image), degrees);
        }
      } catch (IllegalStateException e) {
        // The camera went away between the signal and the read: DeviceState reports that.
        android.util.Log.i("xncaps", "frame lost", e);
      }
    }
  }

  private final class DeviceState extends CameraDevice.StateCallback {
    @Override
    public void onOpened(CameraDevice opened) {
      if (closed) {
        opened.close();
        return;
      }
      device = opened;
      startSession(opened);
    }

    @Override
    public void onDisconnected(CameraDevice lost) {
      lost.close();
      if (!closed) {
        fail("disconnected");
      }
    }

    @Override
    public void onError(CameraDevice broken, int error) {
      broken.close();
      if (!closed) {
        fail("camera error " + error);
      }
    }
  }

  private final class SessionState extends CameraCaptureSession.StateCallback {
    private final CaptureRequest.Builder request;

    SessionState(CaptureRequest.Builder request) {
      this.request = request;
    }

    @Override
    public void onConfigured(CameraCaptureSession configured) {
      if (closed) {
        configured.close();
        return;
      }
      session = configured;
      try {
        configured.setRepeatingRequest(request.build(), null, handler);
      } catch (CameraAccessException | IllegalStateException e) {
        fail(e.toString());
      }
    }

    @Override
    public void onConfigureFailed(CameraCaptureSession failed) {
      if (!closed) {
        fail("the camera refused " + choice.size);
      }
    }
  }
}
