package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
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
import org.xncaps.demo.R;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.testing.Screens;

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
  public void onAbilities(FrameSource.Abilities abilities) {}

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
    assertFalse("no other side", CameraChoice.find(manager, false).otherSide);
    add("1", CameraCharacteristics.LENS_FACING_FRONT, 270, new Size(1280, 720));
    CameraChoice back = CameraChoice.find(manager, false);
    CameraChoice front = CameraChoice.find(manager, true);
    assertEquals("0", back.id);
    assertEquals(new Size(640, 480), back.frames);
    assertEquals("1", front.id);
    assertTrue(front.front && front.otherSide && back.otherSide);
    assertEquals(270, front.sensorOrientation);
  }

  /** What is chosen where the only camera has these features. */
  private CameraChoice of(Consumer<ShadowCameraCharacteristics> features, Size... previews)
      throws Exception {
    CameraCharacteristics about = ShadowCameraCharacteristics.newCameraCharacteristics();
    ShadowCameraCharacteristics shadow = Shadow.extract(about);
    StreamConfigurationMapBuilder streams = StreamConfigurationMapBuilder.newBuilder();
    streams.addOutputSize(ImageFormat.YUV_420_888, new Size(640, 480));
    for (Size size : previews) {
      streams.addOutputSize(ImageFormat.PRIVATE, size);
    }
    shadow.set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, streams.build());
    features.accept(shadow);
    Shadows.shadowOf(manager).addCamera("0", about);
    CameraChoice choice = CameraChoice.find(manager, false);
    Shadows.shadowOf(manager).removeCamera("0");
    return choice;
  }

  @Test
  public void previewIsTheLargestOfTheFramesShapeThatIsGuaranteed() throws Exception {
    Size frames = new Size(640, 480);
    assertEquals("none told", frames, of(about -> {}).preview);
    Size[] many = {
      new Size(1920, 1080), new Size(4000, 3000), new Size(1440, 1080), new Size(1280, 960), frames
    };
    assertEquals(new Size(1440, 1080), of(about -> {}, many).preview);
    assertEquals(frames, of(about -> {}, new Size(1920, 1080), new Size(1280, 720)).preview);
  }

  @Test
  public void autofocusTorchAndZoomAreThoseOfTheCamera() throws Exception {
    CameraChoice plain = of(about -> {});
    assertEquals(CameraChoice.NO_AUTOFOCUS, plain.autofocus);
    assertFalse(plain.torch);
    assertEquals(1, plain.mostZoom, 0);
    int off = CameraCharacteristics.CONTROL_AF_MODE_OFF;
    int auto = CameraCharacteristics.CONTROL_AF_MODE_AUTO;
    int continuous = CameraCharacteristics.CONTROL_AF_MODE_CONTINUOUS_PICTURE;
    int[][] rows = {{off}, {off, auto}, {off, auto, continuous}, {continuous, auto}};
    int[] expected = {CameraChoice.NO_AUTOFOCUS, auto, continuous, continuous};
    for (int i = 0; i < rows.length; i++) {
      int[] modes = rows[i];
      assertEquals(
          expected[i],
          of(about -> about.set(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES, modes))
              .autofocus);
    }
    CameraChoice able =
        of(
            about -> {
              about.set(CameraCharacteristics.FLASH_INFO_AVAILABLE, true);
              about.set(
                  CameraCharacteristics.CONTROL_ZOOM_RATIO_RANGE,
                  new android.util.Range<>(0.6f, 8f));
            });
    assertTrue(able.torch && able.zoomsByRatio);
    assertEquals(8, able.mostZoom, 0);
  }

  @Test
  public void theOnlyCameraServesBothSides() throws Exception {
    add("7", CameraCharacteristics.LENS_FACING_FRONT, 270, new Size(640, 480));
    assertEquals("7", CameraChoice.find(manager, false).id);
  }

  @Test
  public void opensAndClosesAHundredTimesWithoutAThreadLeft() throws Exception {
    add("0", CameraCharacteristics.LENS_FACING_BACK, 90, new Size(640, 480));
    CameraThread cameras = new CameraThread(manager);
    for (int i = 0; i < 100; i++) {
      FrameSource camera = cameras.create(false, null, 0, this);
      camera.start();
      if (i % 2 == 0) {
        Thread.sleep(i % 5);
      }
      camera.setTorch(true);
      camera.setZoom(2);
      camera.close();
      camera.close();
      if (i % 10 == 9) { // between, the next is wanted while this one opens or closes
        Screens.await("the camera's thread to end", () -> !cameras.alive());
      }
    }
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      assertTrue(!thread.getName().equals("camera") || !thread.isAlive());
    }
    assertTrue(problems.toString(), problems.isEmpty());
    FrameSource last = cameras.create(false, null, 0, this);
    last.start();
    Screens.await("the preview", () -> geometry != null);
    last.close();
    Screens.await("the camera's thread to end", () -> !cameras.alive());
  }

  @Test
  public void noCameraIsAProblemInWords() throws Exception {
    CameraThread cameras = new CameraThread(manager);
    FrameSource source = cameras.create(false, null, 0, this);
    source.start();
    Screens.await("the problem", () -> !problems.isEmpty());
    assertEquals(R.string.camera_none, problems.get(0).what());
    source.close();
    Screens.await("the camera's thread to end", () -> !cameras.alive());
  }

  @Test
  public void aPreviewThatNoCameraWritesToIsReleased() throws Exception {
    CameraThread cameras = new CameraThread(manager);
    AtomicInteger released = new AtomicInteger();
    cameras.release(
        new android.graphics.SurfaceTexture(0) {
          @Override
          public void release() {
            released.incrementAndGet();
          }
        });
    Screens.await("the texture", () -> released.get() == 1);
    Screens.await("the camera's thread to end", () -> !cameras.alive());
  }

  @Test
  public void theReticleIsTheSquareThatTheModelSees() {
    PreviewGeometry phone = new PreviewGeometry(1440, 1080, 90);
    // upright the picture fills the height: 850 high, 637.5 wide, of which 393 are seen
    assertEquals(314 / 637.5, phone.share(393, 850, 0, 314), 1e-6);
    assertEquals("turned", 314 / 637.5, phone.share(850, 393, 90, 314), 1e-6);
    assertEquals("no more than there is", 1, phone.share(1000, 750, 90, 900), 0);
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
