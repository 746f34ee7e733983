package org.xncaps.demo.picture;

import android.content.ContentResolver;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Matrix;
import android.media.ExifInterface;
import android.net.Uri;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import org.xncaps.core.Picture;

/** Reads pictures of any size, upright as their EXIF data say. */
public final class PictureDecoder {
  /** Larger pictures are halved while they are read: enough for every model, and safe for memory. */
  private static final int MOST_PIXELS = 4_000_000;

  private PictureDecoder() {}

  /** @throws IOException where it is no picture, or cannot be opened */
  public static Bitmap decode(ContentResolver resolver, Uri uri) throws IOException {
    BitmapFactory.Options options = new BitmapFactory.Options();
    options.inJustDecodeBounds = true;
    try (InputStream in = open(resolver, uri)) {
      BitmapFactory.decodeStream(in, null, options);
    }
    options.inJustDecodeBounds = false;
    options.inPreferredConfig = Bitmap.Config.ARGB_8888;
    options.inSampleSize = 1;
    long pixels = (long) options.outWidth * options.outHeight;
    while (pixels / ((long) options.inSampleSize * options.inSampleSize) > MOST_PIXELS) {
      options.inSampleSize *= 2;
    }
    Bitmap bitmap;
    try (InputStream in = open(resolver, uri)) {
      bitmap = BitmapFactory.decodeStream(in, null, options);
    }
    if (bitmap == null) {
      throw new IOException("expected a picture in " + uri);
    }
    try (InputStream in = open(resolver, uri)) {
      return upright(bitmap, new ExifInterface(in));
    } catch (IOException | RuntimeException e) {
      // Files without EXIF data are common; they lie as they are.
      android.util.Log.i("xncaps", "no EXIF in " + uri, e);
      return bitmap;
    }
  }

  private static InputStream open(ContentResolver resolver, Uri uri) throws IOException {
    try {
      InputStream in = resolver.openInputStream(uri);
      if (in == null) {
        throw new FileNotFoundException("expected to open " + uri);
      }
      return in;
    } catch (SecurityException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static Bitmap upright(Bitmap bitmap, ExifInterface exif) {
    Matrix matrix = new Matrix();
    int orientation = exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, 1);
    boolean mirrored = orientation == 2 || orientation == 4 || orientation == 5 || orientation == 7;
    int[] degrees = {0, 0, 0, 180, 180, 270, 90, 90, 270};
    if (mirrored) {
      matrix.postScale(-1, 1);
    }
    if (orientation > 0 && orientation < degrees.length) {
      matrix.postRotate(degrees[orientation]);
    }
    return matrix.isIdentity()
        ? bitmap
        : Bitmap.createBitmap(bitmap, 0, 0, bitmap.getWidth(), bitmap.getHeight(), matrix, false);
  }

  public static Picture pixels(Bitmap bitmap) {
    int width = bitmap.getWidth();
    int height = bitmap.getHeight();
    int[] colors = new int[width * height];
    bitmap.getPixels(colors, 0, width, 0, 0, width, height);
    return Picture.ofColors(width, height, colors);
  }
}
