package org.xncaps.demo.models;

import android.content.ContentResolver;
import android.content.Context;
import android.content.res.AssetFileDescriptor;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ModelException;
import org.xncaps.core.ModelReader;
import org.xncaps.core.StoredCheck;

/**
 * The model files: those of the APK, and copies of picked ones in the app's own storage, kept until
 * they are removed. A copy is mapped, never what was picked: another app may cut that short while it
 * is used, or it may be a pipe.
 */
public final class ModelStore {
  /** In front of the name of a model of the APK. */
  public static final String ASSET = "asset:";
  /** In front of the name of a copy. */
  public static final String PICKED = "picked:";

  private static final String FOLDER = "models";
  private static final String SUFFIX = ".tflite";
  private static final long MOST_BYTES = 512L << 20;

  /** A model file in memory. */
  public static final class Loaded {
    public final String name;
    public final ByteBuffer bytes;
    /** Of its card; null where it has none. */
    public final String title;

    public Loaded(String name, ByteBuffer bytes) {
      this(name, bytes, null);
    }

    Loaded(String name, ByteBuffer bytes, String title) {
      this.name = name;
      this.bytes = bytes;
      this.title = title;
    }
  }

  private final Context context;
  private final long mostBytes;

  public ModelStore(Context context) {
    this(context, MOST_BYTES);
  }

  ModelStore(Context context, long mostBytes) {
    this.context = context.getApplicationContext();
    this.mostBytes = mostBytes;
  }

  /** References of all models: the APK's in the order of its list, then the picked by name. */
  public List<String> all() throws ModelException {
    List<String> found = new ArrayList<>(assets());
    String[] names = folder().list();
    if (names != null) {
      Arrays.sort(names);
      for (String name : names) {
        if (name.endsWith(SUFFIX)) {
          found.add(PICKED + name);
        }
      }
    }
    return found;
  }

  /** References of the models in the APK. */
  public List<String> assets() throws ModelException {
    List<String> found = new ArrayList<>();
    try {
      for (String line : text(FOLDER + "/list.txt").split("\n")) {
        if (!line.trim().isEmpty()) {
          found.add(ASSET + line.trim());
        }
      }
    } catch (IOException e) {
      throw new ModelException(
          ModelException.Kind.UNREADABLE, "expected a list of models in the app: " + e, e);
    }
    return found;
  }

  /** @param reference of a model here, or empty for the first of the APK */
  public Loaded load(String reference) throws ModelException {
    String name = reference.isEmpty() ? "" : nameOf(reference);
    try {
      if (reference.isEmpty()) {
        return load(first());
      }
      if (reference.startsWith(ASSET)) {
        return asset(name);
      }
      return file(new File(folder(), safe(name)));
    } catch (ModelException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new ModelException(ModelException.Kind.UNREADABLE, name + ": " + e.getMessage(), e);
    }
  }

  private String first() throws ModelException {
    List<String> assets = assets();
    if (assets.isEmpty()) {
      throw new ModelException(
          ModelException.Kind.UNREADABLE, "expected a model in the app, got none");
    }
    return assets.get(0);
  }

  /** Shapes, classes and metadata of a model, without opening it for inference. */
  public ClassifierModel describe(String reference) throws ModelException {
    Loaded loaded = load(reference);
    return ModelReader.read(loaded.bytes, loaded.name);
  }

  /** What the zoo says of a model of the APK; the empty card where there is none. */
  public ModelCard card(String reference) {
    if (!reference.startsWith(ASSET)) {
      return ModelCard.EMPTY;
    }
    try {
      return ModelCard.parse(text(beside(reference, ".json")));
    } catch (IOException | IllegalArgumentException e) {
      android.util.Log.i("xncaps", "no card of " + reference, e);
      return ModelCard.EMPTY;
    }
  }

  /** What a person calls a model: its card's title, else the file's name without its ending. */
  public String title(String reference) {
    String title = card(reference).title;
    String file = nameOf(reference);
    return title != null ? title
        : file.endsWith(SUFFIX) ? file.substring(0, file.length() - SUFFIX.length()) : file;
  }

  /** Inputs and outputs that the build stored beside a model of the APK; null where it has none. */
  public StoredCheck check(String reference, ClassifierModel model) {
    if (!reference.startsWith(ASSET)) {
      return null;
    }
    try {
      return StoredCheck.parse(bytes(beside(reference, ".check"), 1 << 23), model);
    } catch (FileNotFoundException e) {
      return null;
    } catch (IOException | IllegalArgumentException e) {
      android.util.Log.w("xncaps", "check of " + reference, e);
      return null;
    }
  }

  /** The asset beside a model of the APK whose name ends so. */
  private static String beside(String reference, String ending) {
    String name = nameOf(reference);
    return FOLDER + "/" + name.substring(0, name.length() - SUFFIX.length()) + ending;
  }

  private String text(String asset) throws IOException {
    return new String(bytes(asset, 1 << 20), StandardCharsets.UTF_8);
  }

  private byte[] bytes(String asset, int most) throws IOException {
    try (InputStream in = context.getAssets().open(asset)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      copy(in, out, most);
      return out.toByteArray();
    }
  }

  public static Loaded file(File file) throws ModelException {
    try (FileInputStream in = new FileInputStream(file)) {
      return new Loaded(file.getName(), map(in, 0, in.getChannel().size(), file.getName()));
    } catch (ModelException e) {
      throw e;
    } catch (IOException e) {
      throw new ModelException(
          ModelException.Kind.UNREADABLE, file.getName() + ": " + e.getMessage(), e);
    }
  }

  private Loaded asset(String name) throws IOException {
    try (AssetFileDescriptor opened = context.getAssets().openFd(FOLDER + "/" + name);
        FileInputStream in = new FileInputStream(opened.getFileDescriptor())) {
      return new Loaded(
          name, map(in, opened.getStartOffset(), opened.getDeclaredLength(), name),
          card(ASSET + name).title);
    }
  }

  private static ByteBuffer map(FileInputStream in, long start, long size, String name)
      throws IOException {
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw new ModelException(
          ModelException.Kind.BROKEN, name + ": expected 1 byte to 2 GB, got " + size);
    }
    return in.getChannel().map(FileChannel.MapMode.READ_ONLY, start, size);
  }

  /**
   * Copies a picked file into the app's storage, once it was seen to be a model that this app reads.
   *
   * @return the copy's reference
   * @throws ModelException with what to tell the user; nothing is left behind
   */
  public String add(Uri uri) throws ModelException {
    String name = safe(displayName(uri));
    File part = new File(folder(), name + ".part");
    try {
      try (InputStream in = context.getContentResolver().openInputStream(uri);
          FileOutputStream out = new FileOutputStream(part)) {
        if (in == null) {
          throw new IOException("cannot be opened");
        }
        copy(in, out, mostBytes);
        out.getFD().sync();
      }
      Loaded loaded = file(part);
      ModelReader.read(loaded.bytes, name);
      if (!part.renameTo(new File(folder(), name))) {
        throw new IOException("expected to keep the copy");
      }
      return PICKED + name;
    } catch (ModelException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new ModelException(ModelException.Kind.UNREADABLE, name + ": " + e.getMessage(), e);
    } finally {
      part.delete();
    }
  }

  /** Removes a picked model; those of the APK stay. */
  public void remove(String reference) {
    if (reference.startsWith(PICKED)) {
      new File(folder(), safe(nameOf(reference))).delete();
    }
  }

  private static void copy(InputStream in, OutputStream out, long most) throws IOException {
    byte[] chunk = new byte[1 << 16];
    long copied = 0;
    for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
      copied += n;
      if (copied > most) {
        throw new IOException("expected at most " + most + " bytes");
      }
      out.write(chunk, 0, n);
    }
  }

  private File folder() {
    File folder = new File(context.getFilesDir(), FOLDER);
    folder.mkdirs();
    return folder;
  }

  /** A file's name that leads out of no folder. */
  private static String safe(String name) {
    String plain = name.replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^\\.+", "_");
    String cut = plain.length() > 80 ? plain.substring(plain.length() - 80) : plain;
    return cut.endsWith(SUFFIX) ? cut : cut + SUFFIX;
  }

  private String displayName(Uri uri) {
    if (ContentResolver.SCHEME_CONTENT.equals(uri.getScheme())) {
      String[] columns = {OpenableColumns.DISPLAY_NAME};
      try (Cursor cursor = context.getContentResolver().query(uri, columns, null, null, null)) {
        if (cursor != null && cursor.moveToFirst() && cursor.getString(0) != null) {
          return cursor.getString(0);
        }
      } catch (RuntimeException e) { // whatever another app's provider throws
        android.util.Log.i("xncaps", "no name of " + uri, e);
      }
    }
    String last = uri.getLastPathSegment();
    return last == null ? "model" : last;
  }

  /** The file's name, as the user knows it. */
  public static String nameOf(String reference) {
    return reference.substring(reference.indexOf(':') + 1);
  }
}
