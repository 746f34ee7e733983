package org.xncaps.demo.measure;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Application;
import android.content.Intent;
import android.content.pm.ActivityInfo;
import android.content.pm.PackageManager;
import android.content.pm.ProviderInfo;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.Json;
import org.xncaps.core.measure.Loopback;
import org.xncaps.core.measure.MeasureServer;
import org.xncaps.core.measure.TestHost;
import org.xncaps.demo.R;
import org.xncaps.demo.models.MissingRuntime;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** The benchmark screen by its protocol (docs/adb-protocol.md), with real inference. */
@RunWith(RobolectricTestRunner.class)
public final class BenchmarkActivityTest {
  private static final String FUSED = "{\"file\":\"fused.tflite\",\"inputs\":\"in.f32\"}";
  private static final String FLOAT = "{\"file\":\"float.tflite\"}";
  private static final String NAME = "xncaps-00112233445566778899aabbccddeeff";

  @Rule public final MissingRuntime runtime = new MissingRuntime();

  private final BenchmarkActivity.Endpoints usual = BenchmarkActivity.endpoints;
  private Loopback endpoint;
  private String opened;
  private ActivityController<BenchmarkActivity> controller;
  private TestHost host;

  @Before
  public void setUp() throws Exception {
    endpoint = new Loopback();
    BenchmarkActivity.endpoints =
        (context, name) -> {
          opened = name;
          return endpoint;
        };
  }

  @After
  public void tearDown() throws Exception {
    BenchmarkActivity.endpoints = usual;
    BenchmarkActivity.silenceMillis = MeasureServer.SILENCE_MILLIS;
    if (host != null) {
      host.close();
    }
    if (controller != null) {
      controller.close();
    }
    Screens.awaitModelsClosed();
    File left = new File(RuntimeEnvironment.getApplication().getFilesDir(), "measure");
    Screens.await("the job's files deleted", () -> !new File(left, "host").exists());
  }

  private void start(Intent intent) {
    controller = Robolectric.buildActivity(BenchmarkActivity.class, intent).setup();
  }

  /** A host whose files are there. */
  private TestHost connect() throws Exception {
    start(new Intent().putExtra(BenchmarkActivity.SOCKET, NAME));
    host = new TestHost(endpoint.port());
    host.put("fused.tflite", TestModels.bytes("tiny_fused.tflite"));
    host.put("float.tflite", TestModels.bytes("tiny_float.tflite"));
    host.put("bad.tflite", "no".getBytes("UTF-8"));
    host.put("in.f32", TestModels.bytes("digits.inputs.f32"));
    return host;
  }

  private static String job(String models, String more) {
    return "{\"models\":[" + models + "]" + more + "}";
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> row(TestHost.Answer answer, int index) {
    return ((List<Map<String, Object>>) answer.result.get("models")).get(index);
  }

  private String words() {
    org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
    android.widget.TextView text = controller.get().findViewById(R.id.benchmark_text);
    return text.getText().toString();
  }

  @Test
  public void outputsComeBeforeTimesAndTurnsAsPlanned() throws Exception {
    connect();
    assertEquals(NAME, opened);
    TestHost.Answer check = host.job(job(FUSED + "," + FLOAT, ",\"outputs\":true"));
    assertEquals("done", check.result.get("state"));
    assertNull(check.result.get("error"));
    assertTrue("no times are taken", check.turns.isEmpty());
    checkOutputs(check);
    TestHost.Answer times =
        host.job(
            job(
                FUSED + "," + FLOAT,
                ",\"threads\":2,\"warm_up_runs\":3,\"settle_runs\":1,"
                    + "\"turns\":[[1,16],[0,16],[0,4],[1,2]]"));
    assertEquals(20, times.runs(0));
    assertEquals(18, times.runs(1));
    assertTrue(times.outputs.isEmpty());
    checkTimes(times);
    checkFacts(times);
    assertTrue(Screens.colors(Screens.save(controller.get(), "benchmark")) > 2);
    assertEquals("Done: 4 of 4 turns.", words());
  }

  private static void checkTimes(TestHost.Answer times) {
    long before = -1;
    for (int[] at : new int[][] {{1, 0}, {0, 0}, {0, 1}, {1, 1}}) {
      List<?> turn = (List<?>) times.turns.get(at[0]).get(at[1]);
      assertTrue("turns begin in the order of the plan", (Long) turn.get(0) > before);
      before = (Long) turn.get(0);
      List<?> whole = (List<?>) turn.get(1);
      List<?> own = (List<?>) turn.get(2);
      assertEquals(whole.size(), own.size());
      for (int i = 0; i < whole.size(); i++) {
        assertTrue("the interpreter's own time is a part", (Long) own.get(i) <= (Long) whole.get(i));
        assertTrue((Long) own.get(i) > 0);
      }
    }
    for (int i = 0; i < 2; i++) {
      Map<String, Object> row = row(times, i);
      assertNull(row.toString(), row.get("error"));
      assertTrue((Long) row.get("load_ns") > 0 && (Long) row.get("first_run_ns") > 0);
      assertEquals("has an op for it", i == 0, row.get("runtime").toString().contains("xncaps"));
      assertEquals(i == 0 ? 1L : 0L, row.get("delegate_nodes"));
    }
  }

  private static void checkFacts(TestHost.Answer times) {
    Map<String, Object> state = Json.object(times.result.get("start"), "start");
    for (String key :
        new String[] {
          "epoch_ms", "battery_celsius", "thermal", "cpus", "pss_kb", "thermal_headroom",
          "battery_microamperes"
        }) {
      assertTrue(key, state.containsKey(key));
    }
    assertNotNull(Json.object(times.result.get("device"), "device").get("android"));
    assertEquals("2.16.1", Json.object(times.result.get("runtime"), "runtime").get("tflite"));
    assertEquals("warming", times.states.get(1));
    assertTrue(times.statuses.get(1).containsKey("clocks"));
  }

  private static void checkOutputs(TestHost.Answer answer) throws Exception {
    Map<String, Object> row = row(answer, 0);
    assertEquals(16L, row.get("cases"));
    assertEquals("float32", row.get("output_type"));
    assertTrue((Long) row.get("run_ns") > 0);
    byte[] bytes = answer.outputs.get("fused.tflite");
    float[] got = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(got);
    float[][] expected = TestModels.rows("tiny_fused.outputs.f32", got.length);
    assertArrayEquals(expected[0], got, 1e-5f);
    assertEquals("no inputs, no outputs", 0, answer.outputs.get("float.tflite").length);
  }

  @Test
  public void secondsEndAModelsTurns() throws Exception {
    connect();
    StringBuilder turns = new StringBuilder("[0,1000]");
    for (int i = 0; i < 5000; i++) {
      turns.append(",[0,1000]");
    }
    TestHost.Answer answer = host.job(job(FLOAT, ",\"seconds\":0.2,\"turns\":[" + turns + "]"));
    assertEquals("done", answer.result.get("state"));
    assertTrue("runs " + answer.runs(0), answer.runs(0) >= 1000 && answer.runs(0) < 5_000_000);
  }

  @Test
  public void oneBrokenModelDoesNotSpoilTheOther() throws Exception {
    connect();
    TestHost.Answer answer =
        host.job(job("{\"file\":\"bad.tflite\"}," + FLOAT, ",\"turns\":[[0,5],[1,5]]"));
    assertEquals("done", answer.result.get("state"));
    assertTrue(row(answer, 0).get("error").toString().contains("bad.tflite"));
    assertEquals(0, answer.runs(0));
    assertEquals(5, answer.runs(1));
  }

  @Test
  public void noModelAtAllIsAFailure() throws Exception {
    connect();
    TestHost.Answer answer =
        host.job(job("{\"file\":\"gone.tflite\"},{\"file\":\"bad.tflite\"}", ""));
    assertEquals("failed", answer.result.get("state"));
    assertTrue(answer.result.get("error").toString().contains("no model could be run"));
    assertEquals("Ended early: no model could be run; see each model's error", words());
  }

  @Test
  public void withoutARuntimeEachModelSaysSoAndTheScreenStays() throws Exception {
    runtime.takeAway();
    connect();
    TestHost.Answer answer = host.job(job(FUSED + "," + FLOAT, ",\"turns\":[[0,1]]"));
    assertEquals("failed", answer.result.get("state"));
    assertNull(Json.object(answer.result.get("runtime"), "runtime").get("tflite"));
    for (int i = 0; i < 2; i++) {
      String error = row(answer, i).get("error").toString();
      assertTrue(error, error.contains("libtensorflowlite_jni.so not found"));
    }
    assertTrue(words(), words().startsWith("Ended early: no model could be run"));
    assertFalse(controller.get().isFinishing());
  }

  @Test
  public void delegateOffFailsAFusedModelAndNeverTimesAnotherRuntime() throws Exception {
    connect();
    TestHost.Answer answer = host.job(job(FUSED, ",\"delegate\":false,\"turns\":[[0,1]]"));
    assertEquals("failed", answer.result.get("state"));
    assertTrue(row(answer, 0).get("error").toString().contains("XnCapsOdr"));
  }

  @Test
  public void inputsOfAnotherSizeAreRefused() throws Exception {
    connect();
    host.put("in.f32", new byte[100]);
    TestHost.Answer answer = host.job(job(FUSED, ""));
    assertTrue(row(answer, 0).get("error").toString().contains("expected a multiple of 256 bytes"));
  }

  @Test
  public void leavingTheScreenCancelsAndKeepsWhatWasMeasured() throws Exception {
    connect();
    StringBuilder turns = new StringBuilder("[0,16]");
    for (int i = 0; i < 200_000; i++) {
      turns.append(",[0,16]");
    }
    host.send(job(FLOAT, ",\"seconds\":600,\"turns\":[" + turns + "]"));
    TestHost.Answer answer = new TestHost.Answer();
    while (!answer.states.contains("measuring")) {
      host.take(answer);
    }
    Screens.await("words", () -> words().matches("Measuring: \\d+ of 200001 turns\\.\nKeep this .*"));
    controller.pause().stop();
    while (answer.result == null) {
      host.take(answer);
    }
    assertEquals("cancelled", answer.result.get("state"));
    assertTrue(words(), words().startsWith("Ended early: cancelled"));
    assertTrue(answer.runs(0) > 0);
  }

  @Test
  public void aRestIsAsLongAsPlannedAndThePartsAreSentBefore() throws Exception {
    connect();
    TestHost.Answer answer = host.job(job(FLOAT, ",\"turns\":[[0,4],[-1,150],[0,4]]"));
    assertTrue(answer.states.toString(), answer.states.contains("cooling"));
    List<?> first = (List<?>) answer.turns.get(0).get(0);
    List<?> second = (List<?>) answer.turns.get(0).get(1);
    long apart = (Long) second.get(0) - (Long) first.get(0);
    assertTrue("apart " + apart, apart >= 150_000_000L);
  }

  @Test
  public void theEndOfTheHostIsTheEndOfTheScreen() throws Exception {
    connect();
    host.close();
    Screens.await("the end", () -> {
      words();
      return controller.get().isFinishing();
    });
  }

  @Test
  public void withoutAHostItEndsByName() throws Exception {
    BenchmarkActivity.silenceMillis = 100;
    start(new Intent().putExtra(BenchmarkActivity.SOCKET, NAME));
    Screens.await("the end", () -> words().startsWith("Ended early: silence: expected a host"));
    assertTrue(controller.get().isFinishing());
  }

  @Test
  public void whatItIsStartedWithIsChecked() throws Exception {
    String[][] bad = {
      {null, null, "socket: expected"},
      {"xncaps-1", null, "socket: expected"},
      {null, "/sdcard/x", "folder: expected"},
      {null, "/data/local/tmp/" + NAME + "/..", "folder: expected"},
      {null, "/data/local/tmp/" + NAME, "job: expected"},
    };
    for (String[] row : bad) {
      Intent intent = new Intent();
      if (row[0] != null) {
        intent.putExtra(BenchmarkActivity.SOCKET, row[0]);
      }
      if (row[1] != null) {
        intent.putExtra(BenchmarkActivity.FOLDER, row[1]);
        intent.putExtra(BenchmarkActivity.JOB, "../job-1.json");
      }
      start(intent);
      assertTrue(words(), words().startsWith("This job cannot be done: " + row[2]));
      controller.close();
    }
    controller = null;
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
    assertEquals("the camera, pictures shared by other apps, and this", 3, exported);
    for (ProviderInfo provider :
        packages.getPackageInfo(application.getPackageName(), PackageManager.GET_PROVIDERS)
            .providers) {
      boolean results = provider.authority.equals("org.xncaps.demo.results");
      assertEquals("shared one by one", results, provider.grantUriPermissions);
      assertEquals(!results, provider.exported);
      String guard = results ? null : "android.permission.DUMP";
      assertEquals(guard, provider.readPermission);
      assertEquals(guard, provider.writePermission);
    }
  }
}
