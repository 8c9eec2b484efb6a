import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import io.sentry.Attachment;
import io.sentry.Hint;
import io.sentry.Sentry;
import io.sentry.util.CheckInUtils;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A function with Sentry's Java SDK, run by AWS's own runtime client for Java.
 *
 * <p>Environment, event and answer: tests/system/sdk_functions.py.
 */
public class Function implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  private static final int PATIENCE_MS = 5000;
  private static final int BALLAST = 100_000; // bytes that do not compress: the SDK always does

  static {
    Sentry.init(
        options -> {
          options.setEnableExternalConfiguration(true); // the DSN and the release, from the environment
          options.setTracesSampleRate(1.0);
          options.getLogs().setEnabled(true);
          options.setMaxQueueSize(200); // 30 unless told
        });
  }

  @Override
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    String marker = (String) event.get("marker");
    try {
      return Map.of("sent", send((String) event.get("case"), marker, ((Number) event.get("count")).intValue()));
    } catch (UnsupportedOperationException none) {
      return Map.of("sent", List.of(), "skipped", "SDK has none");
    } finally {
      Sentry.flush(PATIENCE_MS);
    }
  }

  private static List<String> send(String what, String marker, int count) {
    switch (what) {
      case "error", "limited" -> Sentry.captureException(new RuntimeException(marker));
      case "transaction" -> transaction(marker);
      case "logs" -> {
        return numbered(marker, 3).stream().peek(text -> Sentry.logger().info(text)).toList();
      }
      case "check_in" -> checkIn(marker);
      case "session" -> session();
      case "attachment" -> attachment(marker);
      case "large" -> large(marker);
      case "burst" -> {
        return numbered(marker, count).stream()
            .peek(text -> Sentry.captureException(new RuntimeException(text)))
            .toList();
      }
      default -> throw new UnsupportedOperationException(what);
    }
    return List.of(marker);
  }

  private static List<String> numbered(String marker, int count) {
    return IntStream.range(0, count).mapToObj(number -> marker + "-" + number).toList();
  }

  private static void transaction(String name) {
    var whole = Sentry.startTransaction(name, "function");
    for (int step = 0; step < 3; step++) {
      whole.startChild("step", "step " + step).finish();
    }
    whole.finish();
  }

  private static void checkIn(String monitor) {
    try {
      CheckInUtils.withCheckIn(monitor, () -> null);
    } catch (Exception impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** It has no name of its own. */
  private static void session() {
    Sentry.startSession();
    Sentry.endSession();
  }

  private static void attachment(String marker) {
    var order = new Attachment(marker.getBytes(StandardCharsets.UTF_8), "order.txt");
    Sentry.captureException(new RuntimeException(marker), Hint.withAttachment(order));
  }

  private static void large(String marker) {
    var ballast = new byte[BALLAST];
    new Random().nextBytes(ballast);
    String text = Base64.getEncoder().encodeToString(ballast);
    Sentry.captureException(new RuntimeException(marker), scope -> scope.setExtra("ballast", text));
  }
}
