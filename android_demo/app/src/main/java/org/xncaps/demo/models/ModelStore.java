package org.xncaps.demo.models;

import android.content.ContentResolver;
import android.content.Context;
import android.content.res.AssetFileDescriptor;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.core.ModelException;

/** Finds and maps model files: those of the assets, picked documents, and files of the app. */
public final class ModelStore {
  public static final String ASSET = "asset:";
  private static final String FOLDER = "models";
  private static final String SUFFIX = ".tflite";

  /** A model file in memory. */
  public static final class Loaded {
    public final String name;
    public final ByteBuffer bytes;

    public Loaded(String name, ByteBuffer bytes) {
      this.name = name;
      this.bytes = bytes;
    }
  }

  private final Context context;

  public ModelStore(Context context) {
    this.context = context.getApplicationContext();
  }

  /** References (asset:NAME) of the models in the app. */
  public List<String> assets() throws IOException {
    List<String> found = new ArrayList<>();
    String[] names = context.getAssets().list(FOLDER);
    for (String name : names == null ? new String[0] : names) {
      if (name.endsWith(SUFFIX)) {
        found.add(ASSET + name);
      }
    }
    return found;
  }

  /** @param reference asset:NAME, a content or file URI, or empty for the first asset */
  public Loaded load(String reference) throws ModelException {
    try {
      if (reference.isEmpty()) {
        List<String> all = assets();
        if (all.isEmpty()) {
          throw new ModelException(
              ModelException.Kind.UNREADABLE, "expected a model in the app, got none");
        }
        return load(all.get(0));
      }
      if (reference.startsWith(ASSET)) {
        return asset(reference.substring(ASSET.length()));
      }
      return document(Uri.parse(reference));
    } catch (ModelException e) {
      throw e;
    } catch (IOException | SecurityException | IllegalArgumentException e) {
      throw new ModelException(
          ModelException.Kind.UNREADABLE, nameOf(reference) + ": " + e.getMessage(), e);
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
          name, map(in, opened.getStartOffset(), opened.getDeclaredLength(), name));
    }
  }

  private Loaded document(Uri uri) throws IOException {
    String name = nameOf(uri.toString());
    try (AssetFileDescriptor opened =
        context.getContentResolver().openAssetFileDescriptor(uri, "r")) {
      if (opened == null) {
        throw new ModelException(ModelException.Kind.UNREADABLE, name + ": cannot be opened");
      }
      try (FileInputStream in = opened.createInputStream()) {
        long size = opened.getLength();
        if (size == AssetFileDescriptor.UNKNOWN_LENGTH) {
          size = in.getChannel().size() - opened.getStartOffset();
        }
        return new Loaded(name, map(in, opened.getStartOffset(), size, name));
      }
    }
  }

  private static MappedByteBuffer map(FileInputStream in, long start, long size, String name)
      throws IOException {
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw new ModelException(
          ModelException.Kind.BROKEN, name + ": expected 1 byte to 2 GB, got " + size);
    }
    return in.getChannel().map(FileChannel.MapMode.READ_ONLY, start, size);
  }

  /** What the user knows the model by. */
  public String nameOf(String reference) {
    if (reference.startsWith(ASSET)) {
      return reference.substring(ASSET.length());
    }
    Uri uri = Uri.parse(reference);
    if (ContentResolver.SCHEME_CONTENT.equals(uri.getScheme())) {
      String[] columns = {OpenableColumns.DISPLAY_NAME};
      try (Cursor cursor = context.getContentResolver().query(uri, columns, null, null, null)) {
        if (cursor != null && cursor.moveToFirst() && cursor.getString(0) != null) {
          return cursor.getString(0);
        }
      } catch (SecurityException | IllegalArgumentException e) {
        android.util.Log.i("xncaps", "no name of " + uri, e);
      }
    }
    String last = uri.getLastPathSegment();
    return last == null ? reference : last;
  }
}
