package org.xncaps.demo.models;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.xncaps.core.ModelException;
import org.xncaps.demo.R;
import org.xncaps.demo.testing.TestModels;

/** A runtime that is missing has words of its own; copies of picked files are bounded and safe. */
@RunWith(RobolectricTestRunner.class)
public final class NativeRuntimeTest {
  @Test
  public void aMissingLibraryAndLargePagesHaveTheirOwnWords() throws Exception {
    UnsatisfiedLinkError error = new UnsatisfiedLinkError("dlopen failed");
    ModelException small = NativeRuntime.missing(error, 4096);
    assertEquals(R.string.runtime_none, Explanations.of(small).what());
    assertTrue(small.getMessage().contains("dlopen failed"));
    ModelException large = NativeRuntime.missing(error, 16384);
    assertEquals(R.string.runtime_pages, Explanations.of(large).what());
    assertTrue(large.getMessage().startsWith("pages of 16384 bytes: "));
    NativeRuntime.check(); // here it is
    assertEquals("TensorFlow Lite 2.16.1", NativeRuntime.version());
    assertEquals("2.16.1", NativeRuntime.number());
  }

  @Test
  public void aFileLargerThanTheBoundIsRefusedAndLeavesNothing() {
    ModelStore store = new ModelStore(RuntimeEnvironment.getApplication(), 1000);
    android.net.Uri uri = android.net.Uri.parse("content://files/endless");
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 7;
          }
        };
    Shadows.shadowOf(RuntimeEnvironment.getApplication().getContentResolver())
        .registerInputStream(uri, endless);
    ModelException error = assertThrows(ModelException.class, () -> store.add(uri));
    assertTrue(error.getMessage(), error.getMessage().contains("at most 1000 bytes"));
    File folder = new File(RuntimeEnvironment.getApplication().getFilesDir(), "models");
    assertEquals(0, folder.list().length);
  }

  @Test
  public void namesLeadOutOfNoFolder() throws IOException {
    ModelStore store = new ModelStore(RuntimeEnvironment.getApplication());
    android.net.Uri uri = android.net.Uri.parse("content://files/..%2F..%2Fevil");
    Shadows.shadowOf(RuntimeEnvironment.getApplication().getContentResolver())
        .registerInputStream(
            uri, new ByteArrayInputStream(TestModels.bytes("tiny_fused.tflite")));
    String reference = store.add(uri);
    assertTrue(reference, reference.matches("picked:[A-Za-z0-9_][A-Za-z0-9._-]*\\.tflite"));
    assertEquals(10, store.describe(reference).classes());
  }

  @Test
  public void cardsSayWhatTheZooKnows() {
    ModelCard card =
        ModelCard.parse(
            "{\"accuracy\": 0.871, \"images\": 200, \"source\": \"us\", \"licence\": \"MIT\", \"x\": 1}");
    assertEquals(0.871, card.accuracy, 0);
    assertEquals(200, card.images);
    assertEquals("us", card.source);
    assertEquals("MIT", card.licence);
    assertThrows(IllegalArgumentException.class, () -> ModelCard.parse("[]"));
  }
}
