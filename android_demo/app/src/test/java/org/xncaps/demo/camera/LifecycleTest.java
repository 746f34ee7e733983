package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.Manifest;
import android.app.Activity;
import android.app.Application;
import android.content.Intent;
import android.net.Uri;
import android.os.Looper;
import android.os.SystemClock;
import android.view.MotionEvent;
import android.view.View;
import java.io.ByteArrayInputStream;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.demo.R;
import org.xncaps.demo.draw.DrawActivity;
import org.xncaps.demo.measure.MeasureActivity;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.picture.PictureActivityTest;
import org.xncaps.demo.testing.FakeFrames;
import org.xncaps.demo.testing.Memory;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;
import org.xncaps.demo.ui.ModelsActivity;
import org.xncaps.demo.ui.OnMainThread;

/** Pausing, turning and leaving at any moment, a thousand times each: nothing leaks, nothing dies. */
@RunWith(RobolectricTestRunner.class)
public final class LifecycleTest {
  private static final int TIMES = Integer.getInteger("times", 1000);

  private static final List<String> THREADS =
      Arrays.asList("inference", "camera", "copying", "measure");
  private static final int MOST_ALIVE = 8;
  private static final int SLACK_KILOBYTES = 30_000;
  private static final int KILOBYTES_A_TIME = 20;
  private static long latest;

  private FakeFrames camera;
  private float[] digit;
  private final Random random = new Random(5);
  private final List<Long> outsideHeap = new ArrayList<>();
  private final List<Long> inHeap = new ArrayList<>();
  private final List<WeakReference<Object>> seen = new ArrayList<>();

  @Before
  public void setUp() throws Exception {
    // Each test's clock starts anew, but that of animations, which outlives a test, only goes on.
    SystemClock.setCurrentTimeMillis(Math.max(latest, SystemClock.uptimeMillis()));
    Application application = RuntimeEnvironment.getApplication();
    camera = FakeFrames.install(application);
    Shadows.shadowOf(application).grantPermissions(Manifest.permission.CAMERA);
    String model = TestModels.added("m.tflite", TestModels.bytes("tiny_fused.tflite"));
    Settings.load(application).withThreads(1).withModel(model).save(application);
    digit = TestModels.rows("digits.inputs.f32", TestModels.PIXELS)[0];
  }

  /** A little of what goes on between two events, cut off at a random point. */
  private void live() throws InterruptedException {
    for (int i = random.nextInt(3); i > 0; i--) {
      if (camera.open() > 0) {
        camera.last().send(digit, 4);
      }
      if (random.nextBoolean()) {
        Thread.sleep(random.nextInt(3));
      }
      if (random.nextBoolean()) {
        Shadows.shadowOf(Looper.getMainLooper()).idle();
      }
    }
    camera.made.removeIf(source -> source.closed);
  }

  /** Whose memory has to be free in the end. */
  private void watch(Object pipeline, Activity activity) {
    seen.add(new WeakReference<Object>(pipeline));
    seen.add(new WeakReference<Object>(activity));
  }

  private void watch(CameraActivity activity) {
    watch(activity.pipeline(), activity);
  }

  /**
   * The test's clock stands still by itself: a scroll bar's fading out would keep its screen. Ten
   * times in all also notes what is held in memory.
   */
  private void letTimePass(int round) throws Exception {
    Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2));
    latest = SystemClock.uptimeMillis();
    if ((round + 1) % Math.max(1, TIMES / 10) == 0) {
      outsideHeap.add(Memory.outsideHeapKilobytes());
      inHeap.add(Memory.heapKilobytes());
    }
  }

  private int alive() {
    System.gc();
    int count = 0;
    for (WeakReference<Object> reference : seen) {
      count += reference.get() == null ? 0 : 1;
    }
    return count;
  }

  private static int threads() {
    int count = 0;
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      count += THREADS.contains(thread.getName()) ? 1 : 0;
    }
    return count;
  }

  private void checkNothingLeft() throws Exception {
    checkNothingAlive();
    assertDoesNotGrow("outside of the heap", outsideHeap);
    assertDoesNotGrow("in the heap", inHeap);
  }

  private void checkNothingAlive() throws Exception {
    assertEquals(0, camera.open());
    Screens.await("threads to end", () -> threads() == 0);
    Screens.awaitModelsClosed();
    camera.made.clear();
    assertTrue(seen.size() >= 2);
    // A screen or two may still be known to the test's own framework.
    Screens.await("screens and pipelines to be collected", () -> alive() <= MOST_ALIVE);
    System.out.println(
        TIMES + " times: " + alive() + " alive; KB outside of the heap " + outsideHeap + ", in it "
            + inHeap);
  }

  /**
   * Of the later half of the rounds: the first ones load classes and compile. What is left comes
   * from Robolectric's logs (5 KB a round) and from what malloc and the compiler keep for a while.
   */
  private static void assertDoesNotGrow(String where, List<Long> kilobytes) {
    int all = kilobytes.size();
    assertTrue(kilobytes.toString(), all >= 10);
    long before = Collections.min(kilobytes.subList(all / 2 - 2, all / 2 + 1));
    long after = Collections.min(kilobytes.subList(all - 3, all));
    assertTrue(
        "memory " + where + " grew from " + before + " KB to " + after + " KB in " + TIMES / 2
            + " times",
        after - before < SLACK_KILOBYTES + TIMES / 2 * KILOBYTES_A_TIME);
  }

  @Test
  public void pausesAThousandTimes() throws Exception {
    ActivityController<CameraActivity> controller =
        Robolectric.buildActivity(CameraActivity.class).setup();
    watch(controller.get());
    for (int i = 0; i < TIMES; i++) {
      live();
      controller.pause();
      assertEquals(0, camera.open());
      controller.resume();
      assertEquals(1, camera.open());
      letTimePass(i);
    }
    controller.pause().stop().destroy();
    controller = null; // it holds the screen
    checkNothingLeft();
  }

  @Test
  public void turnsAThousandTimes() throws Exception {
    ActivityController<CameraActivity> controller =
        Robolectric.buildActivity(CameraActivity.class).setup();
    for (int i = 0; i < TIMES; i++) {
      watch(controller.get());
      live();
      controller.recreate();
      assertEquals(1, camera.open());
      letTimePass(i);
    }
    controller.pause().stop().destroy();
    controller = null;
    checkNothingLeft();
  }

  /** The gallery screen: paused, turned and left while a picture is read and classified. */
  @Test
  public void pictureScreenAThousandTimes() throws Exception {
    Uri uri = Uri.parse("content://gallery/picture");
    byte[] png = PictureActivityTest.png(digit);
    Shadows.shadowOf(RuntimeEnvironment.getApplication().getContentResolver())
        .registerInputStreamSupplier(uri, () -> new ByteArrayInputStream(png));
    for (int i = 0; i < TIMES; i++) {
      ActivityController<PictureActivity> controller =
          Robolectric.buildActivity(PictureActivity.class).setup();
      watch(controller.get().pipeline(), controller.get());
      Shadows.shadowOf(controller.get())
          .receiveResult(
              Shadows.shadowOf(controller.get()).getNextStartedActivity(), Activity.RESULT_OK,
              new Intent().setData(uri));
      live();
      controller.pause().stop().restart().resume();
      live();
      controller.recreate();
      watch(controller.get().pipeline(), controller.get());
      live();
      controller.pause().stop().destroy();
      letTimePass(i);
    }
    checkNothingLeft();
  }

  private static void use(Activity screen) {
    View start = screen.findViewById(R.id.list_action);
    if (screen instanceof MeasureActivity) {
      start.performClick();
    }
    View paper = screen.findViewById(R.id.paper);
    if (paper != null) {
      long now = SystemClock.uptimeMillis();
      paper.onTouchEvent(MotionEvent.obtain(now, now, MotionEvent.ACTION_DOWN, 200, 200, 0));
      paper.onTouchEvent(MotionEvent.obtain(now, now, MotionEvent.ACTION_MOVE, 300, 300, 0));
    }
  }

  private static Object pipeline(Activity screen) {
    return screen instanceof OnMainThread.Screen
        ? ((OnMainThread.Screen) screen).pipeline() : screen;
  }

  /** The others, one after the other: used, paused, turned and left, each a twelfth as often. */
  @Test
  public void otherScreensLeaveNothing() throws Exception {
    List<Class<? extends Activity>> screens =
        Arrays.asList(
            CompareActivity.class, DrawActivity.class, MeasureActivity.class, ModelsActivity.class);
    for (int i = 0; i < TIMES / 3; i++) {
      ActivityController<? extends Activity> controller =
          Robolectric.buildActivity(screens.get(i % screens.size())).setup();
      watch(pipeline(controller.get()), controller.get());
      live();
      use(controller.get());
      live();
      controller.pause().stop().restart().resume();
      use(controller.get());
      controller.recreate();
      watch(pipeline(controller.get()), controller.get());
      live();
      controller.pause().stop().destroy();
      assertEquals(0, camera.open());
      letTimePass(i);
    }
    checkNothingAlive();
  }

  @Test
  public void leavesAThousandTimes() throws Exception {
    for (int i = 0; i < TIMES; i++) {
      ActivityController<CameraActivity> controller =
          Robolectric.buildActivity(CameraActivity.class).setup();
      watch(controller.get());
      live();
      controller.pause().stop().destroy();
      assertEquals(0, camera.open());
      letTimePass(i);
    }
    checkNothingLeft();
  }
}
