package org.xncaps.demo.camera;

import android.graphics.ImageFormat;
import android.graphics.Rect;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraMetadata;
import android.hardware.camera2.CaptureRequest;
import android.media.Image;
import android.media.ImageReader;
import android.os.Build;
import android.os.Handler;
import android.view.Surface;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.core.Orientation;
import org.xncaps.demo.models.Frames;

/** The two streams of one opened camera: to the screen, and to the models. The camera's thread's. */
final class CameraStreams {
  private static final int MOST_IMAGES = 2;

  /** Told why the streams ended. */
  interface Broken {
    void broken(String reason);
  }

  final CameraSource source;
  private final CameraChoice choice;
  private final Handler handler;
  private final Broken listener;
  private CaptureRequest.Builder request;
  private CameraCaptureSession session;
  private ImageReader reader;
  private Surface surface;
  private boolean closed;

  CameraStreams(CameraSource source, CameraChoice choice, Handler handler, Broken listener) {
    this.source = source;
    this.choice = choice;
    this.handler = handler;
    this.listener = listener;
  }

  @SuppressWarnings("deprecation") // SessionConfiguration came with Android 9
  void start(CameraDevice device) throws CameraAccessException {
    reader =
        ImageReader.newInstance(
            choice.frames.getWidth(), choice.frames.getHeight(), ImageFormat.YUV_420_888,
            MOST_IMAGES);
    reader.setOnImageAvailableListener(this::onImage, handler);
    request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
    request.addTarget(reader.getSurface());
    List<Surface> targets = new ArrayList<>();
    targets.add(reader.getSurface());
    if (source.preview != null) {
      source.preview.setDefaultBufferSize(choice.preview.getWidth(), choice.preview.getHeight());
      surface = new Surface(source.preview);
      request.addTarget(surface);
      targets.add(surface);
    }
    if (choice.autofocus != CameraChoice.NO_AUTOFOCUS) {
      request.set(CaptureRequest.CONTROL_AF_MODE, choice.autofocus);
    }
    device.createCaptureSession(targets, new SessionState(), handler);
    source.opened(
        new PreviewGeometry(
            choice.preview.getWidth(), choice.preview.getHeight(), choice.sensorOrientation),
        new FrameSource.Abilities(choice.torch, choice.otherSide, choice.mostZoom));
  }

  /** Asks for frames with the torch and zoom that are wanted now. */
  void repeat() {
    if (session == null || closed) {
      return;
    }
    request.set(
        CaptureRequest.FLASH_MODE,
        source.torch && choice.torch
            ? CameraMetadata.FLASH_MODE_TORCH : CameraMetadata.FLASH_MODE_OFF);
    zoom();
    try {
      if (source.frozen) {
        session.stopRepeating(); // the preview keeps its last picture
        return;
      }
      session.setRepeatingRequest(request.build(), null, handler);
    } catch (CameraAccessException | IllegalStateException | IllegalArgumentException e) {
      listener.broken(e.toString());
    }
  }

  private void zoom() {
    float ratio = Math.max(1, Math.min(choice.mostZoom, source.zoom));
    if (choice.mostZoom <= 1) {
      return;
    }
    if (choice.zoomsByRatio && Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
      request.set(CaptureRequest.CONTROL_ZOOM_RATIO, ratio);
    } else if (choice.sensor != null) {
      int width = Math.round(choice.sensor.width() / ratio);
      int height = Math.round(choice.sensor.height() / ratio);
      int left = (choice.sensor.width() - width) / 2;
      int top = (choice.sensor.height() - height) / 2;
      request.set(
          CaptureRequest.SCALER_CROP_REGION, new Rect(left, top, left + width, top + height));
    }
  }

  private void onImage(ImageReader from) {
    if (closed) {
      return;
    }
    try (Image image = from.acquireLatestImage()) {
      if (image != null) {
        source.frame(
            Frames.view(image),
            Orientation.toUpright(
                choice.sensorOrientation, source.displayRotation, choice.front));
      }
    } catch (IllegalStateException e) {
      // The camera went away between the signal and the read: its own callback reports that.
      android.util.Log.i("xncaps", "frame lost", e);
    }
  }

  /** In reverse order of opening. */
  void close() {
    closed = true;
    if (session != null) {
      session.close();
      session = null;
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

  private final class SessionState extends CameraCaptureSession.StateCallback {
    @Override
    public void onConfigured(CameraCaptureSession configured) {
      if (closed) {
        configured.close();
        return;
      }
      session = configured;
      repeat();
    }

    @Override
    public void onConfigureFailed(CameraCaptureSession failed) {
      if (!closed) {
        listener.broken(
            "the camera refused " + choice.frames + " beside " + choice.preview);
      }
    }
  }
}
