package org.xncaps.demo.measure;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.content.Intent;
import java.io.File;
import java.nio.file.Files;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.measure.TestHost;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** The way by files, where a phone lets nobody connect to the app's socket. */
@RunWith(RobolectricTestRunner.class)
public final class FolderRunTest {
  private static final String NAME = "xncaps-00112233445566778899aabbccddeeff";

  private ActivityController<BenchmarkActivity> controller;

  @After
  public void tearDown() {
    FolderRun.root = new File(FolderRun.ROOT);
    if (controller != null) {
      controller.close();
    }
    Screens.awaitModelsClosed();
  }

  private void start(Intent intent) {
    controller = Robolectric.buildActivity(BenchmarkActivity.class, intent).setup();
  }

  @Test
  public void whereTheSocketIsRefusedTheSameFramesComeThroughAFile() throws Exception {
    start(folderIntent("files"));
    Screens.await("the frames", () -> written().contains("FAIL"));
    try (java.io.InputStream in = new java.io.FileInputStream(frames())) {
      assertTrue(TestHost.read(in).refusal.contains("job-1.json")); // nobody pushed it
    }
  }

  /** A job in the folder that adb's shell made, with what it takes. */
  private static void folderJob(File root) throws Exception {
    File folder = new File(root, NAME);
    Files.createDirectories(folder.toPath());
    Files.write(new File(folder, "float.tflite").toPath(), TestModels.bytes("tiny_float.tflite"));
    String turns = ",\"turns\":[[0,3],[-1,1000],[0,2]]"; // what there is is sent before a rest
    Files.write(new File(folder, "job-1.json").toPath(), ("{\"models\":[{\"file\":\"float.tflite\"}]" + turns + "}").getBytes("UTF-8"));
  }

  private Intent folderIntent(String out) {
    return new Intent()
        .putExtra(BenchmarkActivity.FOLDER, "/data/local/tmp/" + NAME)
        .putExtra(BenchmarkActivity.JOB, "job-1.json")
        .putExtra(BenchmarkActivity.OUT, out);
  }

  @Test
  public void byAFileTheTimesComeInPartsBeforeTheResult() throws Exception {
    FolderRun.root = Files.createTempDirectory("shell").toFile();
    folderJob(FolderRun.root);
    start(folderIntent("files"));
    Screens.await("a part, by a host that reads while it grows", () -> written().contains("PART"));
    assertFalse(written().contains("RSLT"));
    Screens.await("the result", () -> written().contains("RSLT"));
    try (java.io.InputStream in = new java.io.FileInputStream(frames())) {
      TestHost.Answer answer = TestHost.read(in);
      assertEquals("done", answer.result.get("state"));
      assertEquals(5, answer.runs(0));
    }
  }

  private static File frames() {
    return new File(RuntimeEnvironment.getApplication().getExternalFilesDir("measure"), "frames");
  }

  private static String written() throws Exception {
    return frames().exists()
        ? new String(Files.readAllBytes(frames().toPath()), "ISO-8859-1") : "";
  }

  @Test
  public void aReaderGetsWhatAJobWrites() throws Exception {
    ResultProvider provider = Robolectric.setupContentProvider(ResultProvider.class);
    Thread job =
        new Thread(
            () -> {
              try (java.io.OutputStream out = ResultProvider.awaitReader()) {
                out.write(new byte[] {1, 2, 3});
              } catch (java.io.IOException e) {
                throw new IllegalStateException(e);
              }
            });
    job.start();
    try (java.io.InputStream in =
        new android.os.ParcelFileDescriptor.AutoCloseInputStream(
            provider.openFile(android.net.Uri.parse("content://x/y"), "r"))) {
      job.join(20_000); // Robolectric's pipe is a file: who reads first finds its end
      assertFalse(job.isAlive());
      byte[] held = new byte[8];
      int count = 0;
      for (int more; (more = in.read(held, count, held.length - count)) > 0; ) {
        count += more;
      }
      assertEquals(3, count);
      assertEquals(3, held[2]);
    }
    assertThrows(
        java.io.FileNotFoundException.class,
        () -> provider.openFile(android.net.Uri.parse("content://x/y"), "w"));
  }
}
