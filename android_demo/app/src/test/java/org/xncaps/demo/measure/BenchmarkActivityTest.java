package org.xncaps.demo.measure;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.Application;
import android.content.Intent;
import android.content.pm.ActivityInfo;
import android.content.pm.PackageManager;
import android.util.Base64;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.Json;
import org.xncaps.demo.R;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** The benchmark screen by its protocol (docs/android.md), with real inference. */
@RunWith(RobolectricTestRunner.class)
public final class BenchmarkActivityTest {
  private static final String FUSED = "{\"file\":\"fused.tflite\",\"inputs\":\"in.f32\"}";
  private static final String FLOAT = "{\"file\":\"float.tflite\"}";

  private File root;
  private ActivityController<BenchmarkActivity> controller;

  @Before
  public void setUp() throws Exception {
    root = BenchmarkActivity.root(RuntimeEnvironment.getApplication());
    File folder = new File(root, "job");
    assertTrue(folder.mkdirs());
    put(folder, "fused.tflite", TestModels.bytes("tiny_fused.tflite"));
    put(folder, "float.tflite", TestModels.bytes("tiny_float.tflite"));
    put(folder, "bad.tflite", "no".getBytes("UTF-8"));
    put(folder, "in.f32", TestModels.bytes("digits.inputs.f32"));
  }

  @After
  public void tearDown() throws Exception {
    if (controller != null) {
      Thread job = controller.get().job();
      controller.close();
      if (job != null) {
        job.join(20_000);
        assertFalse("the job ends with its screen", job.isAlive());
      }
    }
  }

  private static void put(File folder, String name, byte[] content) throws Exception {
    Files.write(new File(folder, name).toPath(), content);
  }

  private BenchmarkActivity start(String models, String more) {
    String json = "{\"version\":1,\"id\":\"job\",\"models\":[" + models + "]" + more + "}";
    String encoded =
        Base64.encodeToString(
            json.getBytes(StandardCharsets.UTF_8), Base64.URL_SAFE | Base64.NO_WRAP);
    return startWith(new Intent().putExtra(BenchmarkActivity.JOB_BASE64, encoded));
  }

  private BenchmarkActivity startWith(Intent intent) {
    controller = Robolectric.buildActivity(BenchmarkActivity.class, intent).setup();
    return controller.get();
  }

  private Map<String, Object> json(String name) throws Exception {
    byte[] text = Files.readAllBytes(new File(root, name).toPath());
    return Json.object(Json.parse(new String(text, StandardCharsets.UTF_8)), name);
  }

  private Map<String, Object> finished(BenchmarkActivity activity) throws Exception {
    Screens.await("the job", () -> !activity.job().isAlive());
    return json("job/result.json");
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> row(Map<String, Object> result, int index) {
    return ((List<Map<String, Object>>) result.get("models")).get(index);
  }

  @Test
  public void measuresTwoModelsAndWritesTheirOutputs() throws Exception {
    BenchmarkActivity activity =
        start(FUSED + "," + FLOAT, ",\"runs\":50,\"warmup\":3,\"cooldown\":0.05,\"threads\":2");
    Map<String, Object> result = finished(activity);
    assertEquals("done", result.get("state"));
    assertNull(result.get("error"));
    assertEquals("done", json("job/status.json").get("state"));
    assertEquals(50L, json("job/status.json").get("done"));
    for (int i = 0; i < 2; i++) {
      Map<String, Object> row = row(result, i);
      assertNull(row.toString(), row.get("error"));
      assertEquals(50, ((List<?>) row.get("samples_ns")).size());
      assertEquals(50, ((List<?>) row.get("samples_at_ms")).size());
      Map<String, Object> summary = Json.object(row.get("summary"), "summary");
      assertTrue((Double) summary.get("p50_ms") > 0);
      assertTrue((Double) summary.get("p99_ms") >= (Double) summary.get("p50_ms"));
      assertTrue((Long) row.get("load_ns") > 0 && (Long) row.get("first_run_ns") > 0);
      assertEquals("has an op for it", i == 0, row.get("runtime").toString().contains("xncaps"));
    }
    checkOutputs(row(result, 0));
    Map<String, Object> state = Json.object(result.get("start"), "start");
    for (String key : new String[] {"epoch_ms", "battery_celsius", "thermal", "cpus", "pss_kb"}) {
      assertTrue(key, state.containsKey(key));
    }
    assertNotNull(Json.object(result.get("device"), "device").get("android"));
    assertEquals("2.16.1", Json.object(result.get("runtime"), "runtime").get("tflite"));
    assertTrue(Screens.colors(Screens.save(activity, "benchmark")) > 2);
    assertEquals("Done: 50 of 50 rounds.", words());
  }

  private String words() {
    org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
    android.widget.TextView text = controller.get().findViewById(R.id.benchmark_text);
    return text.getText().toString();
  }

  private void checkOutputs(Map<String, Object> row) throws Exception {
    assertEquals(16L, row.get("cases"));
    assertEquals("float32", row.get("output_type"));
    byte[] bytes =
        Files.readAllBytes(new File(root, "job/" + row.get("outputs")).toPath());
    float[] got = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(got);
    float[][] expected = TestModels.rows("tiny_fused.outputs.f32", got.length);
    assertArrayEquals(expected[0], got, 1e-5f);
  }

  @Test
  public void secondsEndAJob() throws Exception {
    Map<String, Object> result = finished(start(FLOAT, ",\"runs\":1000000,\"seconds\":0.2"));
    assertEquals("done", result.get("state"));
    int runs = ((List<?>) row(result, 0).get("samples_ns")).size();
    assertTrue("runs " + runs, runs > 5 && runs < 1_000_000);
  }

  @Test
  public void oneBrokenModelDoesNotSpoilTheOther() throws Exception {
    Map<String, Object> result =
        finished(start("{\"file\":\"bad.tflite\"}," + FLOAT, ",\"runs\":5"));
    assertEquals("done", result.get("state"));
    assertTrue(row(result, 0).get("error").toString().contains("bad.tflite"));
    assertNull(row(result, 0).get("summary"));
    assertEquals(5, ((List<?>) row(result, 1).get("samples_ns")).size());
  }

  @Test
  public void noModelAtAllIsAFailure() throws Exception {
    Map<String, Object> result =
        finished(start("{\"file\":\"gone.tflite\"},{\"file\":\"bad.tflite\"}", ""));
    assertEquals("failed", result.get("state"));
    assertEquals("failed", json("job/status.json").get("state"));
    assertTrue(result.get("error").toString().contains("no model could be run"));
    assertEquals("Ended early: no model could be run; see each model's error", words());
  }

  @Test
  public void delegateOffFailsAFusedModelAndNeverTimesAnotherRuntime() throws Exception {
    Map<String, Object> result = finished(start(FUSED, ",\"delegate\":false"));
    assertEquals("failed", result.get("state"));
    assertTrue(row(result, 0).get("error").toString().contains("XnCapsOdr"));
  }

  @Test
  public void inputsOfAnotherSizeAreRefused() throws Exception {
    put(new File(root, "job"), "in.f32", new byte[100]);
    Map<String, Object> result = finished(start(FUSED, ""));
    assertTrue(row(result, 0).get("error").toString().contains("expected a multiple of 256 bytes"));
  }

  @Test
  public void leavingTheScreenCancelsAndKeepsWhatWasMeasured() throws Exception {
    BenchmarkActivity activity = start(FLOAT, ",\"runs\":1000000,\"seconds\":600");
    Screens.await(
        "measuring",
        () ->
            new File(root, "job/status.json").exists()
                && "measuring".equals(json("job/status.json").get("state")));
    Screens.await(
        "words", () -> words().matches("Measuring: \\d+ of 1000000 rounds\\.\nKeep this .*"));
    controller.pause().stop();
    Map<String, Object> result = finished(activity);
    assertEquals("cancelled", result.get("state"));
    assertTrue(words(), words().startsWith("Ended early: cancelled"));
    assertTrue(((List<?>) row(result, 0).get("samples_ns")).size() > 0);
  }

  @Test
  public void restsAfterSomeWork() throws Exception {
    long usual = BenchmarkRunner.restAfterMillis;
    BenchmarkRunner.restAfterMillis = 5;
    try {
      Map<String, Object> result =
          finished(
              start(
                  FLOAT,
                  ",\"runs\":400,\"warmup\":2,\"warmup_seconds\":0.3,\"cooldown\":0.15"));
      assertEquals("done", result.get("state"));
      List<?> at = (List<?>) row(result, 0).get("samples_at_ms");
      assertEquals(400, at.size());
      assertTrue("warm-up and rest come first: " + at.get(0), (Long) at.get(0) >= 450);
      int rests = 0;
      for (int i = 1; i < at.size(); i++) {
        rests += (Long) at.get(i) - (Long) at.get(i - 1) >= 150 ? 1 : 0;
      }
      assertTrue("rests: " + rests, rests >= 1);
      Map<String, Object> method = Json.object(result.get("method"), "method");
      assertEquals(0.3, method.get("warmup_seconds"));
      assertEquals(0.15, method.get("cooldown"));
    } finally {
      BenchmarkRunner.restAfterMillis = usual;
    }
  }

  @Test
  public void badJobsAreAnsweredInWords() throws Exception {
    startWith(new Intent().putExtra(BenchmarkActivity.JOB, "{\"id\":\"../../x\",\"models\":[]}"));
    assertEquals("rejected", json("rejected.json").get("state"));
    assertTrue(json("rejected.json").get("error").toString().contains("id: expected"));
    controller.close();
    startWith(new Intent().putExtra(BenchmarkActivity.JOB_BASE64, "%%%"));
    assertEquals("rejected", json("rejected.json").get("state"));
  }

  @Test
  public void withoutAJobItMakesTheFolderAndWaits() {
    BenchmarkActivity activity = startWith(new Intent());
    assertNull(activity.job());
    assertTrue(root.isDirectory());
    assertTrue(words(), words().contains(root.getPath()));
  }

  @Test
  public void secondJobIsTurnedAwayWhileOneRuns() throws Exception {
    BenchmarkActivity activity = start(FLOAT, ",\"runs\":1000000,\"seconds\":600");
    controller.newIntent(new Intent().putExtra(BenchmarkActivity.JOB, "{}"));
    assertTrue(json("rejected.json").get("error").toString().startsWith("busy"));
    assertTrue(activity.job().isAlive());
  }

  @Test
  public void onlyTheShellMayStartIt() throws Exception {
    Application application = RuntimeEnvironment.getApplication();
    PackageManager packages = application.getPackageManager();
    int exported = 0;
    for (ActivityInfo info :
        packages.getPackageInfo(application.getPackageName(), PackageManager.GET_ACTIVITIES)
            .activities) {
      if (info.name.equals(BenchmarkActivity.class.getName())) {
        assertEquals("android.permission.DUMP", info.permission);
      }
      exported += info.exported ? 1 : 0;
    }
    assertEquals(2, exported);
  }
}
