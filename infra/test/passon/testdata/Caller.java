import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** The ways in which Java and Android call operation 3's address. */
class Caller {
    static String form(Map<String, String> fields) {
        return fields.entrySet().stream()
            .map(f -> f.getKey() + "=" + URLEncoder.encode(f.getValue(), StandardCharsets.UTF_8))
            .collect(Collectors.joining("&"));
    }

    /** As OkHttp writes a form of parts on Android. */
    static String parts(Map<String, String> fields, String boundary) {
        StringBuilder all = new StringBuilder();
        for (Map.Entry<String, String> f : fields.entrySet()) {
            int length = f.getValue().getBytes(StandardCharsets.UTF_8).length;
            all.append("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + f.getKey() + "\"\r\n"
                + "Content-Type: text/plain; charset=UTF-8\r\nContent-Length: " + length + "\r\n\r\n" + f.getValue() + "\r\n");
        }
        return all + "--" + boundary + "--\r\n";
    }

    /** By HttpURLConnection, which Android has too. */
    static void call(String mark, String url, String media, String body) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
        connection.setRequestProperty("Referer", mark);
        if (body != null) {
            connection.setDoOutput(true);
            connection.setRequestProperty("Content-Type", media);
            connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
        }
        int status = connection.getResponseCode();
        try (InputStream answer = connection.getInputStream()) {
            System.out.println(status + " " + HexFormat.of().formatHex(answer.readAllBytes()));
        }
    }

    public static void main(String[] args) throws Exception {
        String url = args[0], mark = args[1];
        Map<String, String> who = new LinkedHashMap<>();
        who.put("user_id", "john");
        who.put("user_password", args[2]);
        who.put("account_id", "account");
        who.put("output", "XML");
        who.put("code", args[3]);
        Map<String, String> other = new LinkedHashMap<>(who), delete = new LinkedHashMap<>(who);
        other.put("type", "record_activity");
        other.put("note", "\u00fc & 1+1");
        delete.put("type", "customer_delete");
        String urlencoded = "application/x-www-form-urlencoded", boundary = "3f1c9f4e-6f9e-4a57-9d5b-b1a7a7f0c2de";
        call(mark, url + "/", urlencoded, form(other));
        call(mark, url + "/api.php", "multipart/form-data; boundary=" + boundary, parts(other, boundary));
        call(mark, url + "/api.php?" + form(other), null, null);
        HttpResponse<byte[]> answer = HttpClient.newHttpClient().send(
            HttpRequest.newBuilder(URI.create(url + "/api.php")).header("Referer", mark).header("Content-Type", urlencoded)
                .POST(HttpRequest.BodyPublishers.ofString(form(delete))).build(), HttpResponse.BodyHandlers.ofByteArray());
        System.out.println(answer.statusCode() + " " + HexFormat.of().formatHex(answer.body()));
    }
}
