package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.content.Context;
import android.graphics.ImageFormat;
import android.graphics.Matrix;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.media.ImageReader;
import android.util.Size;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowCameraCharacteristics;
import org.robolectric.shadows.StreamConfigurationMapBuilder;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.DemoApplication;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Problem;

/** Choosing a camera, opening and closing it (Robolectric's Camera2), and the preview's geometry. */
@RunWith(RobolectricTestRunner.class)
public final class CameraTest implements FrameSource.Listener {
  private final List<Problem> problems = Collections.synchronizedList(new ArrayList<Problem>());
  private volatile PreviewGeometry geometry;
  private CameraManager manager;

  @Before
  public void setUp() {
    // Robolectric unpacks its native library at first use, for seconds: not while a camera closes
    ImageReader.newInstance(8, 8, ImageFormat.YUV_420_888, 1).close();
    manager =
        (CameraManager)
            RuntimeEnvironment.getApplication().getSystemService(Context.CAMERA_SERVICE);
  }

  private void add(String id, int facing, int orientation, Size... sizes) {
    CameraCharacteristics about = ShadowCameraCharacteristics.newCameraCharacteristics();
    ShadowCameraCharacteristics shadow = Shadow.extract(about);
    shadow.set(CameraCharacteristics.LENS_FACING, facing);
    shadow.set(CameraCharacteristics.SENSOR_ORIENTATION, orientation);
    StreamConfigurationMapBuilder streams = StreamConfigurationMapBuilder.newBuilder();
    for (Size size : sizes) {
      streams.addOutputSize(ImageFormat.YUV_420_888, size);
    }
    shadow.set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, streams.build());
    Shadows.shadowOf(manager).addCamera(id, about);
  }

  @Override
  public void onFrame(YuvFrame frame, int degrees) {}

  @Override
  public void onPreview(PreviewGeometry shown) {
    geometry = shown;
  }

  @Override
  public void onProblem(Problem problem) {
    problems.add(problem);
  }

  @Test
  public void choosesBySideAndSize() throws Exception {
    assertNull(CameraChoice.find(manager, false));
    add("depth", CameraCharacteristics.LENS_FACING_BACK, 90);
    assertNull("no YUV", CameraChoice.find(manager, false));
    add("0", CameraCharacteristics.LENS_FACING_BACK, 90,
        new Size(4000, 3000), new Size(640, 480), new Size(320, 240));
    add("1", CameraCharacteristics.LENS_FACING_FRONT, 270, new Size(1280, 720));
    CameraChoice back = CameraChoice.find(manager, false);
    CameraChoice front = CameraChoice.find(manager, true);
    assertEquals("0", back.id);
    assertEquals(new Size(640, 480), back.size);
    assertEquals("1", front.id);
    assertTrue(front.front);
    assertEquals(270, front.sensorOrientation);
  }

  @Test
  public void theOnlyCameraServesBothSides() throws Exception {
    add("7", CameraCharacteristics.LENS_FACING_FRONT, 270, new Size(640, 480));
    assertEquals("7", CameraChoice.find(manager, false).id);
  }

  @Test
  public void opensAndClosesAHundredTimesWithoutAThreadLeft() throws Exception {
    add("0", CameraCharacteristics.LENS_FACING_BACK, 90, new Size(640, 480));
    CameraChoice choice = CameraChoice.find(manager, false);
    for (int i = 0; i < 100; i++) {
      CameraController camera = new CameraController(manager, choice, null, 0, this);
      camera.start();
      if (i % 2 == 0) {
        Thread.sleep(i % 5);
      }
      camera.close();
      camera.close();
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        assertTrue(!thread.getName().equals("camera") || !thread.isAlive());
      }
    }
    assertNotNull(geometry);
    assertTrue(problems.toString(), problems.isEmpty());
  }

  @Test
  public void noCameraIsAProblemInWords() {
    FrameSource source = new DemoApplication.Cameras(manager).create(false, null, 0, this);
    assertNull(source);
    assertEquals(R.string.camera_none, problems.get(0).what());
  }

  /** Where a corner of the buffer, upright in the natural orientation, lands in the view. */
  private static float[] mapped(int width, int height, int display, float x, float y) {
    Matrix matrix = new PreviewGeometry(640, 480, 90).transform(width, height, display);
    float[] point = {x * width, y * height};
    matrix.mapPoints(point);
    return point;
  }

  @Test
  public void previewFillsTheViewUndistortedAtEveryRotation() {
    int[][] views = {{1000, 1000}, {1080, 900}, {600, 2000}};
    for (int[] view : views) {
      for (int display = 0; display < 360; display += 90) {
        float[] a = mapped(view[0], view[1], display, 0, 0);
        float[] b = mapped(view[0], view[1], display, 1, 0);
        float[] c = mapped(view[0], view[1], display, 0, 1);
        double across = Math.hypot(b[0] - a[0], b[1] - a[1]);
        double down = Math.hypot(c[0] - a[0], c[1] - a[1]);
        assertEquals("aspect at " + display, 480.0 / 640, across / down, 1e-3);
        boolean swaps = display % 180 == 90;
        assertTrue(swaps ? down >= view[0] - 1 : across >= view[0] - 1);
        assertTrue(swaps ? across >= view[1] - 1 : down >= view[1] - 1);
        float[] middle = mapped(view[0], view[1], display, 0.5f, 0.5f);
        assertEquals(view[0] / 2f, middle[0], 0.5);
        assertEquals(view[1] / 2f, middle[1], 0.5);
      }
    }
    // turned by 90 the buffer's top edge is at the left of the view
    float[] top = mapped(1000, 1000, 90, 0.5f, 0);
    assertTrue(top[0] < 1 && Math.abs(top[1] - 500) < 1);
  }
}
