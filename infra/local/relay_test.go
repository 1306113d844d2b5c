package local

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// besides is an address of this machine that is not 127.0.0.1, as Docker's bridge is.
func besides(t *testing.T) host {
	t.Helper()
	const other = host("127.0.0.2")
	if err := other.check(); err != nil {
		t.Skip("this machine does not have 127.0.0.2, on which the test listens in place of Docker's bridge")
	}
	return other
}

// A container's request reaches what listens on the loopback as it was sent, with the
// host that its signature names.
func TestContainersReachTheLoopback(t *testing.T) {
	at := besides(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Host+" "+r.Header.Get("X-Amz-Target")+" "+string(body))
	}))
	defer server.Close()
	listened := server.Listener.Addr().(*net.TCPAddr).Port
	r, err := openRelay(at, port(listened))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	where := net.JoinHostPort(string(at), strconv.Itoa(listened))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+where, strings.NewReader("asked"))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "host.docker.internal:3001"
	request.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, _ := io.ReadAll(answer.Body)
	if want := "host.docker.internal:3001 secretsmanager.GetSecretValue asked"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := openRelay(at, port(listened)); err == nil || !strings.Contains(err.Error(), "of SECRETS_HOST is taken") {
		t.Errorf("a port that is taken: %v", err)
	}
	r.Close()
	if connection, err := net.Dial("tcp", where); err == nil {
		connection.Close()
		t.Error("it listens after its end")
	}
}

// Every port that a function outside the stack asks is there at SECRETS_HOST, and none
// without it.
func TestSecretsHost(t *testing.T) {
	at := besides(t)
	for _, given := range []string{string(at), ""} {
		r := keptRun(t, t.TempDir(), "SECRETS_HOST", given)
		for name, p := range map[string]port{"secrets": r.s.SecretsPort, "KMS": r.s.KMSPort, "DynamoDB": r.s.DynamoDBPort} {
			if given == "" && name == "DynamoDB" {
				continue // DynamoDB Local listens everywhere by itself
			}
			answer, err := http.Get("http://" + net.JoinHostPort(string(at), strconv.Itoa(int(p))))
			if err == nil {
				answer.Body.Close()
			}
			if there := err == nil && answer.StatusCode != http.StatusBadGateway; there != (given != "") {
				t.Errorf("with SECRETS_HOST=%s a container reaches %s: %t, %v", given, name, there, err)
			}
		}
		r.end()
	}
}
