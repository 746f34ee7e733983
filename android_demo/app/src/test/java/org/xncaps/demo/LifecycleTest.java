package org.xncaps.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.Manifest;
import android.app.Application;
import android.os.Looper;
import android.os.SystemClock;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
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

/** Pausing, turning and leaving at any moment, a thousand times each: nothing leaks, nothing dies. */
@RunWith(RobolectricTestRunner.class)
public final class LifecycleTest {
  private static final int TIMES = Integer.getInteger("times", 1000);

  private static final int MOST_ALIVE = 8;
  private static long latest;

  private FakeFrames camera;
  private float[] digit;
  private final Random random = new Random(5);
  private final List<WeakReference<Object>> seen = new ArrayList<>();

  @Before
  public void setUp() throws Exception {
    // Each test's clock starts anew, but that of animations, which outlives a test, only goes on.
    SystemClock.setCurrentTimeMillis(Math.max(latest, SystemClock.uptimeMillis()));
    Application application = RuntimeEnvironment.getApplication();
    camera = FakeFrames.install(application);
    Shadows.shadowOf(application).grantPermissions(Manifest.permission.CAMERA);
    String uri = TestModels.uri(TestModels.file("m.tflite", TestModels.bytes("tiny_fused.tflite")));
    new Settings(1, true, 3, 0, false, uri, "").save(application);
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
  private void watch(MainActivity activity) {
    seen.add(new WeakReference<Object>(activity.pipeline()));
    seen.add(new WeakReference<Object>(activity));
  }

  /** The test's clock stands still by itself: a scroll bar's fading out would keep its screen. */
  private static void letTimePass() {
    Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2));
    latest = SystemClock.uptimeMillis();
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
      count += thread.getName().equals("inference") || thread.getName().equals("camera") ? 1 : 0;
    }
    return count;
  }

  private void checkNothingLeft(long before) throws Exception {
    assertEquals(0, camera.open());
    Screens.await("threads to end", () -> threads() == 0);
    camera.made.clear();
    assertTrue(seen.size() >= 2);
    // A screen or two may still be known to the test's own framework.
    Screens.await("screens and pipelines to be collected", () -> alive() <= MOST_ALIVE);
    long grown = ClassifierTest.residentKilobytes() - before;
    System.out.println(
        "after " + TIMES + " times: " + alive() + " alive, memory grew by " + grown + " KB");
    assertTrue("memory grew by " + grown + " KB", grown < 300_000);
  }

  @Test
  public void pausesAThousandTimes() throws Exception {
    ActivityController<MainActivity> controller =
        Robolectric.buildActivity(MainActivity.class).setup();
    long before = ClassifierTest.residentKilobytes();
    watch(controller.get());
    for (int i = 0; i < TIMES; i++) {
      live();
      controller.pause();
      assertEquals(0, camera.open());
      controller.resume();
      assertEquals(1, camera.open());
      letTimePass();
    }
    controller.pause().stop().destroy();
    controller = null; // it holds the screen
    checkNothingLeft(before);
  }

  @Test
  public void turnsAThousandTimes() throws Exception {
    ActivityController<MainActivity> controller =
        Robolectric.buildActivity(MainActivity.class).setup();
    long before = ClassifierTest.residentKilobytes();
    for (int i = 0; i < TIMES; i++) {
      watch(controller.get());
      live();
      controller.recreate();
      assertEquals(1, camera.open());
      letTimePass();
    }
    controller.pause().stop().destroy();
    controller = null;
    checkNothingLeft(before);
  }

  @Test
  public void leavesAThousandTimes() throws Exception {
    long before = ClassifierTest.residentKilobytes();
    for (int i = 0; i < TIMES; i++) {
      ActivityController<MainActivity> controller =
          Robolectric.buildActivity(MainActivity.class).setup();
      watch(controller.get());
      live();
      controller.pause().stop().destroy();
      assertEquals(0, camera.open());
      letTimePass();
    }
    checkNothingLeft(before);
  }
}
