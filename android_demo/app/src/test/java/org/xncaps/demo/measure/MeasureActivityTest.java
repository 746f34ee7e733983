package org.xncaps.demo.measure;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.content.ContentResolver;
import android.content.Intent;
import android.net.Uri;
import android.view.View;
import android.view.WindowManager;
import android.widget.CheckBox;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.Json;
import org.xncaps.core.StoredCheck;
import org.xncaps.demo.R;
import org.xncaps.demo.models.MissingRuntime;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** Measuring without a computer: choices, bars, verification, stopping, and the file that is shared. */
@RunWith(RobolectricTestRunner.class)
public final class MeasureActivityTest {
  private static final String ASSET = "asset:digits.tflite";

  @Rule public final MissingRuntime runtime = new MissingRuntime();

  private final double usual = OwnMeasurement.seconds;
  private final double usualWarmUp = OwnMeasurement.warmUpSeconds;
  private ActivityController<MeasureActivity> controller;

  @Before
  public void setUp() {
    OwnMeasurement.seconds = 0.5;
  }

  @After
  public void tearDown() {
    OwnMeasurement.seconds = usual;
    OwnMeasurement.warmUpSeconds = usualWarmUp;
    if (controller != null) {
      controller.close();
    }
    Screens.awaitModelsClosed();
  }

  private MeasureActivity start() {
    controller = Robolectric.buildActivity(MeasureActivity.class).setup();
    return controller.get();
  }

  private View card(int index) {
    return controller.get().<LinearLayout>findViewById(R.id.list).getChildAt(index);
  }

  private String text(View in, int id) {
    return in.<TextView>findViewById(id).getText().toString();
  }

  private String headline() {
    return controller.get().<TextView>findViewById(R.id.measure_headline).getText().toString();
  }

  private String action() {
    return controller.get().<TextView>findViewById(R.id.list_action).getText().toString();
  }

  private void press() {
    controller.get().findViewById(R.id.list_action).performClick();
  }

  private void awaitEnd() throws Exception {
    Screens.await("the end", () -> action().equals("Measure again"));
  }

  private boolean staysLit() {
    int flags = controller.get().getWindow().getAttributes().flags;
    return (flags & WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON) != 0;
  }

  @Test
  public void chosenModelsAreCheckedTimedAndComparedAndShared() throws Exception {
    TestModels.added("bad.tflite", new byte[100]);
    TestModels.added("mine.tflite", TestModels.bytes("tiny_float.tflite"));
    TestModels.added("unchosen.tflite", TestModels.bytes("tiny_float.tflite"));
    MeasureActivity activity = start();
    assertTrue(headline(), headline().startsWith("How long the chosen models take here"));
    assertEquals("Measure", action());
    CheckBox last = (CheckBox) card(3).getTag();
    assertTrue(last.getText().toString(), last.getText().toString().matches("unchosen · \\d+ KB"));
    last.setChecked(false);
    press();
    assertEquals("Stop", action());
    assertFalse(last.isEnabled());
    assertTrue(staysLit());
    awaitEnd();
    assertFalse(staysLit());
    String fastest = "\\S+ is the fastest: \\d+\\.\\d times as fast as \\S+";
    String same = "\\S+ and \\S+ take the same time, within 5 %";
    assertTrue(headline(), headline().matches(fastest + "|" + same));
    String times = "Median \\d+\\.\\d\\d ms · p90 \\d+\\.\\d\\d ms · \\d+ runs";
    for (int timed : new int[] {0, 2}) {
      assertTrue(text(card(timed), R.id.measured_words).matches(times));
      assertEquals(View.VISIBLE, card(timed).findViewById(R.id.measured_times).getVisibility());
    }
    String verified = text(card(0), R.id.measured_verified);
    assertTrue(verified, verified.matches("Verified: (\\d+) of \\d+ stored pictures .*"));
    assertTrue(text(card(2), R.id.measured_verified).startsWith("Not verified: no scores"));
    assertTrue(text(card(1), R.id.measured_words).startsWith("Not measured: bad.tflite"));
    assertEquals(View.GONE, card(3).findViewById(R.id.measured).getVisibility());
    activity.findViewById(R.id.header_action).performClick();
    checkResult(shared());
  }

  /** What another app gets; kept for the test that gives it to `xncaps report`. */
  private String shared() throws Exception {
    Intent chooser = Shadows.shadowOf(controller.get()).getNextStartedActivity();
    assertEquals(Intent.ACTION_CHOOSER, chooser.getAction());
    Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT);
    assertEquals("application/json", send.getType());
    assertTrue((send.getFlags() & Intent.FLAG_GRANT_READ_URI_PERMISSION) != 0);
    Uri uri = send.getParcelableExtra(Intent.EXTRA_STREAM);
    assertEquals("the grant goes along", uri, send.getClipData().getItemAt(0).getUri());
    byte[] content = content(uri);
    Files.write(new File(System.getProperty("screens"), "../app-result.json").toPath(), content);
    return new String(content, StandardCharsets.UTF_8);
  }

  private static byte[] content(Uri uri) throws Exception {
    ContentResolver resolver = RuntimeEnvironment.getApplication().getContentResolver();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (InputStream in = resolver.openInputStream(uri)) {
      for (int b = in.read(); b >= 0; b = in.read()) {
        out.write(b);
      }
    }
    return out.toByteArray();
  }

  private static void checkResult(String json) {
    Map<String, Object> result = Json.object(Json.parse(json), "result");
    List<?> models = (List<?>) result.get("models");
    assertEquals(3, models.size());
    Map<String, Object> first = Json.object(models.get(0), "model");
    assertEquals("digits", first.get("name"));
    assertEquals("ok", first.get("status"));
    assertEquals("verified", Json.object(first.get("verification"), "verification").get("status"));
    Map<String, Object> latency = Json.object(first.get("latency"), "latency");
    assertEquals(((List<?>) latency.get("samples_us")).size(), ((Long) latency.get("n")).intValue());
    Map<String, Object> bad = Json.object(models.get(1), "model");
    assertEquals("failed", bad.get("status"));
    assertNull(bad.get("latency"));
    assertEquals("mine", Json.object(result.get("method"), "method").get("baseline"));
    assertEquals(true, result.get("complete"));
  }

  @Test
  public void onlyTheSharedFileCanBeRead() throws Exception {
    Uri uri =
        SharedResults.share(RuntimeEnvironment.getApplication(), "a.json", "{}")
            .getParcelableExtra(Intent.EXTRA_STREAM);
    SharedResults provider = Robolectric.setupContentProvider(SharedResults.class);
    provider.openFile(uri, "r").close();
    assertThrows(FileNotFoundException.class, () -> provider.openFile(uri, "rw"));
    for (String name : new String[] {"b.json", "..%2Fa.json", "%2E%2E"}) {
      Uri other = Uri.parse("content://org.xncaps.demo.results/" + name);
      assertThrows(name, FileNotFoundException.class, () -> provider.openFile(other, "r"));
      assertEquals(0, provider.query(other, null, null, null, null).getCount());
    }
    try (android.database.Cursor told = provider.query(uri, null, null, null, null)) {
      assertTrue(told.moveToFirst());
      assertEquals("a.json", told.getString(0));
      assertEquals(2, told.getLong(1));
    }
    SharedResults.share(RuntimeEnvironment.getApplication(), "c.json", "{}");
    assertThrows(FileNotFoundException.class, () -> provider.openFile(uri, "r"));
  }

  @Test
  public void nothingChosenIsSaid() {
    MeasureActivity activity = start();
    ((CheckBox) card(0).getTag()).setChecked(false);
    press();
    assertEquals(View.VISIBLE, activity.findViewById(R.id.problem).getVisibility());
    assertTrue(text(activity.findViewById(R.id.root), R.id.problem_text).startsWith("No model"));
    assertEquals("Measure", action());
  }

  @Test
  public void stoppingAndLeavingEndItAndSaySo() throws Exception {
    OwnMeasurement.warmUpSeconds = 600; // the turns of so small a model are over in a moment
    start();
    press();
    Screens.await("the warm-up", () -> headline().startsWith("Warming up "));
    press();
    awaitEnd();
    assertTrue(headline(), headline().startsWith("Ended early: cancelled"));
    press();
    Screens.await("the warm-up", () -> headline().startsWith("Warming up "));
    controller.pause().stop();
    awaitEnd();
    controller.restart().resume();
    assertTrue(headline(), headline().startsWith("Ended early: cancelled"));
  }

  @Test
  public void turningTheScreenKeepsItGoing() throws Exception {
    OwnMeasurement.warmUpSeconds = 5;
    start();
    press();
    Screens.await("the warm-up", () -> headline().startsWith("Warming up "));
    Object before = controller.get().onRetainNonConfigurationInstance();
    controller.recreate();
    assertSame(before, controller.get().onRetainNonConfigurationInstance());
    assertEquals("Stop", action());
    awaitEnd();
    assertEquals("Measured", headline());
    String words = text(card(0), R.id.measured_words);
    controller.recreate();
    assertEquals("the result stays", words, text(card(0), R.id.measured_words));
  }

  @Test
  public void withoutARuntimeItSaysSo() throws Exception {
    runtime.takeAway();
    start();
    press();
    awaitEnd();
    assertTrue(headline(), headline().startsWith("Ended early: no model could be run"));
    String words = text(card(0), R.id.measured_words);
    assertTrue(words, words.contains("libtensorflowlite_jni.so not found"));
  }

  @Test
  public void slowModelsHaveTheirRoundsToo() throws Exception {
    OwnMeasurement.seconds = 0.001;
    OwnMeasurement measurement =
        new OwnMeasurement(
            RuntimeEnvironment.getApplication(), Collections.singletonList(ASSET),
            Settings.load(RuntimeEnvironment.getApplication()));
    measurement.start();
    Screens.await("the end", measurement::isDone);
    assertTrue("limit " + measurement.limit(), measurement.limit() > 0.001);
    assertTrue(measurement.models.get(0).turns.size() > 10);
  }

  @Test
  public void wrongScoresHaveNoTime() throws Exception {
    ModelStore store = new ModelStore(RuntimeEnvironment.getApplication());
    ClassifierModel model = store.describe(ASSET);
    OwnMeasurement measurement =
        new OwnMeasurement(
            RuntimeEnvironment.getApplication(), Collections.singletonList(ASSET),
            Settings.load(RuntimeEnvironment.getApplication()));
    String head =
        "{\"allowed\":0,\"inputs\":\"uint8\",\"rows\":1,\"source\":\"s\",\"tolerance\":0.1}\n";
    byte[] line = head.getBytes(StandardCharsets.UTF_8);
    int size = model.input.tensor.elements() + 4 * model.output.elements();
    byte[] zeros = Arrays.copyOf(line, line.length + size);
    zeros[zeros.length - 1] = 0x42; // the last class should be 32
    measurement.models.get(0).check = StoredCheck.parse(zeros, model);
    measurement.start();
    Screens.await("the end", measurement::isDone);
    assertFalse(measurement.models.get(0).isTimed());
    assertNotNull(measurement.models.get(0).verdict);
    Map<String, Object> result = Json.object(Json.parse(measurement.result()), "result");
    Map<String, Object> told = Json.object(((List<?>) result.get("models")).get(0), "model");
    assertEquals("failed", told.get("status"));
    assertEquals("wrong outputs", told.get("error"));
    assertEquals("failed", Json.object(told.get("verification"), "v").get("status"));
  }
}
