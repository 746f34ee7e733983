package org.xncaps.demo.measure;

import android.content.Context;
import android.content.pm.PackageInfo;
import android.content.pm.PackageManager;
import android.os.BatteryManager;
import android.os.Build;
import android.os.Debug;
import android.os.PowerManager;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is known of the device, and its state at one moment, for the benchmark's result. */
public final class DeviceFacts {
  private static final File CPUS = new File("/sys/devices/system/cpu");
  private static final File ZONES = new File("/sys/class/thermal");

  private DeviceFacts() {}

  public static Map<String, Object> device() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("manufacturer", Build.MANUFACTURER);
    out.put("model", Build.MODEL);
    out.put("hardware", Build.HARDWARE);
    out.put("soc", Build.VERSION.SDK_INT >= 31 ? Build.SOC_MODEL : Build.BOARD);
    out.put("android", Build.VERSION.RELEASE);
    out.put("sdk", Build.VERSION.SDK_INT);
    out.put("fingerprint", Build.FINGERPRINT);
    out.put("abis", Arrays.asList(Build.SUPPORTED_ABIS));
    out.put("cores", Runtime.getRuntime().availableProcessors());
    return out;
  }

  public static Map<String, Object> app(Context context) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("id", context.getPackageName());
    try {
      PackageInfo info = context.getPackageManager().getPackageInfo(context.getPackageName(), 0);
      out.put("version", info.versionName);
    } catch (PackageManager.NameNotFoundException e) {
      throw new IllegalStateException("the app does not find itself", e);
    }
    return out;
  }

  /** Battery, heat, frequencies and memory now; what the system hides is null or missing. */
  public static Map<String, Object> state(Context context) {
    DeviceStatus status = DeviceStatus.read(context);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("epoch_ms", System.currentTimeMillis());
    out.put("battery_celsius", status.batteryCelsius);
    out.put("battery_percent", status.batteryPercent);
    out.put("charging", status.charging);
    out.put("thermal", status.thermal);
    out.put("cpus", cpus());
    out.put("temperatures", temperatures());
    out.put("pss_kb", Debug.getPss());
    out.put("thermal_headroom", thermalHeadroom(context));
    out.put("battery_microamperes", batteryCurrent(context));
    return out;
  }

  /** Each cluster's clock now and its ticks at each clock so far; what is hidden is missing. */
  static Map<String, Object> clocks() {
    Map<String, Object> out = new LinkedHashMap<>();
    File[] policies = new File(CPUS, "cpufreq").listFiles();
    for (File policy : policies == null ? new File[0] : policies) {
      Map<String, Object> told = new LinkedHashMap<>();
      Long khz = number(new File(policy, "scaling_cur_freq"));
      if (khz != null) {
        told.put("khz", khz);
      }
      String table = text(new File(policy, "stats/time_in_state"));
      if (table != null) {
        told.put("time_in_state", table);
      }
      if (!told.isEmpty()) {
        out.put(policy.getName(), told);
      }
    }
    return out;
  }

  /** 1 is where the device begins to throttle severely; null before Android 11 or if not told. */
  private static Float thermalHeadroom(Context context) {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) {
      return null;
    }
    PowerManager power = (PowerManager) context.getSystemService(Context.POWER_SERVICE);
    float headroom = power.getThermalHeadroom(0);
    return Float.isNaN(headroom) ? null : headroom;
  }

  /** Makers differ in its sign; null where the device does not tell it. */
  private static Integer batteryCurrent(Context context) {
    BatteryManager battery =
        (BatteryManager) context.getSystemService(Context.BATTERY_SERVICE);
    int current = battery.getIntProperty(BatteryManager.BATTERY_PROPERTY_CURRENT_NOW);
    return current == Integer.MIN_VALUE ? null : current;
  }

  private static List<Object> cpus() {
    List<Object> out = new ArrayList<>();
    for (int i = 0; new File(CPUS, "cpu" + i).isDirectory(); i++) {
      File folder = new File(CPUS, "cpu" + i + "/cpufreq");
      Map<String, Object> cpu = new LinkedHashMap<>();
      cpu.put("id", i);
      cpu.put("khz", number(new File(folder, "scaling_cur_freq")));
      cpu.put("max_khz", number(new File(folder, "cpuinfo_max_freq")));
      cpu.put("governor", line(new File(folder, "scaling_governor")));
      out.add(cpu);
    }
    return out;
  }

  private static Map<String, Object> temperatures() {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int i = 0; i < 128 && new File(ZONES, "thermal_zone" + i).exists(); i++) {
      File zone = new File(ZONES, "thermal_zone" + i);
      Long milli = number(new File(zone, "temp"));
      String type = line(new File(zone, "type"));
      if (milli != null) {
        out.put(type == null ? "zone" + i : type, milli / 1000.0);
      }
    }
    return out;
  }

  /** At most 4 KiB of a file's start; null where the system does not let an app read it. */
  private static String text(File file) {
    char[] held = new char[4096];
    try (FileReader in = new FileReader(file)) {
      int count = in.read(held);
      return count < 0 ? null : new String(held, 0, count);
    } catch (IOException e) {
      return null;
    }
  }

  private static Long number(File file) {
    String text = line(file);
    try {
      return text == null ? null : Long.valueOf(text);
    } catch (NumberFormatException e) {
      return null; // a kernel that says '<unsupported>'
    }
  }

  /** The first line; null where the system does not let an app read it, which differs by maker. */
  private static String line(File file) {
    try (BufferedReader in = new BufferedReader(new FileReader(file))) {
      String text = in.readLine();
      return text == null ? null : text.trim();
    } catch (IOException e) {
      return null;
    }
  }
}
