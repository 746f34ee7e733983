package org.xncaps.demo.measure;

import android.content.ClipData;
import android.content.Context;
import android.content.Intent;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Files of results that the user gives to another app: only that app may read them. */
public final class SharedResults extends ReadOnlyProvider {
  private static final String TYPE = "application/json";
  private static final String NAME = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}";

  private static File folder(Context context) {
    return new File(context.getCacheDir(), "results");
  }

  /**
   * Writes a result in place of those before it.
   *
   * @return what hands it to another app
   */
  static Intent share(Context context, String name, String json) throws IOException {
    File folder = folder(context);
    File[] before = folder.listFiles();
    for (File old : before == null ? new File[0] : before) {
      old.delete();
    }
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("expected to make " + folder);
    }
    try (FileOutputStream out = new FileOutputStream(new File(folder, name))) {
      out.write(json.getBytes(StandardCharsets.UTF_8));
    }
    Uri uri = Uri.parse("content://" + context.getPackageName() + ".results/" + name);
    Intent send =
        new Intent(Intent.ACTION_SEND)
            .setType(TYPE)
            .putExtra(Intent.EXTRA_STREAM, uri)
            .putExtra(Intent.EXTRA_SUBJECT, name)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
    send.setClipData(ClipData.newRawUri(name, uri)); // the grant goes along with it
    return send;
  }

  private File file(Uri uri) throws FileNotFoundException {
    String name = String.valueOf(uri.getLastPathSegment());
    File file = new File(folder(getContext()), name);
    if (!name.matches(NAME) || !file.isFile()) {
      throw new FileNotFoundException("expected a shared result, got " + name);
    }
    return file;
  }

  @Override
  public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
    if (!"r".equals(mode)) {
      throw new FileNotFoundException("mode: expected r, got " + mode);
    }
    return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY);
  }

  @Override
  public Cursor query(Uri uri, String[] columns, String where, String[] given, String order) {
    MatrixCursor told =
        new MatrixCursor(new String[] {OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE});
    try {
      File file = file(uri);
      told.addRow(new Object[] {file.getName(), file.length()});
    } catch (FileNotFoundException e) {
      android.util.Log.i("xncaps", "no such result", e);
    }
    return told;
  }

  @Override
  public String getType(Uri uri) {
    return TYPE;
  }
}
