package clients

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/freeport"
)

// TestProxy runs nginx with the configuration of docs/clients.md, without its TLS: the
// calls that we answer come to us as they were sent, by both ports, and all others go to
// the vendor.
func TestProxy(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed, so the proxy is not tried")
	}
	serve := func(who string) (host string) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, who+" "+r.Method+" "+r.RequestURI+" "+r.Header.Get("Api_access_key"))
		}))
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	all, ports := blocks(t), freeport.Take(t, 2)
	at := slices.IndexFunc(all, func(b block) bool { return b.language == "nginx" })
	text := strings.NewReplacer(
		"listen 443 ssl", "listen 127.0.0.1:"+ports[0], "listen 28070 ssl", "listen 127.0.0.1:"+ports[1],
		"    ssl_certificate /etc/nginx/api.pem;\n", "", "    ssl_certificate_key /etc/nginx/api.key;\n", "",
		"https://$api", "http://$api", "care.example.com", serve("care"), "vendor.example.com", serve("vendor"),
	).Replace(all[at].text)
	dir := t.TempDir()
	text = "daemon off; pid pid; error_log stderr; events {}\nhttp { access_log off;\n" +
		"client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n" + text + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	c := exec.Command(nginx, "-p", dir, "-c", "nginx.conf", "-g", "master_process off;")
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	ask := func(port, call string) string {
		method, path, _ := strings.Cut(call, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["api_access_key"] = []string{"key"}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return ""
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return string(body)
	}
	for deadline := time.Now().Add(generous); ask(ports[1], "GET /") == ""; time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("nginx ended: %s", said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("nginx does not answer")
		}
	}
	for call, want := range map[string]string{
		"DELETE /customercare/v1/a%2Fb/provision?reset=true":                        "care",
		"PUT /risk-cc/customercare/v1/%C3%A9/provision":                             "care",
		"POST /risk-cc/customercare/v1/a%2Fb/provision/use":                         "care",
		"GET /customercare/v1/a/provision":                                          "vendor",
		"DELETE /customercare/v1/a/provision/other":                                 "vendor",
		"DELETE /customercare/v1/a/b/provision":                                     "vendor",
		"POST /apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata":      "care",
		"POST /apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldataOther": "vendor",
		"POST /apigovernance/api/oauth/tokenByAkSk":                                 "care",
		"POST /apigovernance/api/oauth/other":                                       "vendor",
		"GET /erasures/20261127T101112Z-0123456789abcdef/receipt":                   "care",
		"GET /erasures?limit=1":                                                     "care",
		"PUT /holds/case-1":                                                         "care",
		"GET /ledger/key":                                                           "care",
		"GET /erasuresOfTheVendor":                                                  "vendor",
		"POST /":                                                                    "vendor",
	} {
		for _, port := range ports {
			if got := ask(port, call); got != want+" "+call+" key" {
				t.Errorf("%s goes to %q, want %s", call, got, want)
			}
		}
	}
}
