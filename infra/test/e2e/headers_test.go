package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// onEveryAnswer is what a function's answer carries, and the gateway's own too.
var onEveryAnswer = map[string]string{
	"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}

// secured checks the headers of an answer; send does it with every one of the suite.
func secured(t testing.TB, r reply) {
	t.Helper()
	for name, want := range onEveryAnswer {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%d with %s %q, want %q: %s", r.Status, name, got, want, r.Body)
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Server" || name == "X-Powered-By" {
			t.Errorf("%d tells %s: %q", r.Status, name, r.Header[name])
		}
	}
}

// The answers that API Gateway gives by itself, before any function is asked or instead
// of it: send checks their headers.
func TestTheGatewaysOwnAnswersAreSecured(t *testing.T) {
	for name, row := range map[string]struct {
		status                int
		method, path, headers string
		body                  string
	}{
		"no credentials": {http.StatusUnauthorized, "PUT", "/customercare/v1/u/provision", "", "{}"},
		"wrong credentials": {http.StatusUnauthorized, "PUT", "/customercare/v1/u/provision",
			basic("nobody", "nothing"), "{}"},
		"no token":                      {http.StatusUnauthorized, "POST", cleanPath, "", "{}"},
		"no such path":                  {http.StatusNotFound, "GET", "/nothing", "", ""},
		"no such path, with a password": {http.StatusNotFound, "GET", "/nothing", basic("nobody", "nothing"), ""},
		"no such method":                {http.StatusNotFound, "GET", "/api.php", "", ""},
		"too large": {http.StatusRequestEntityTooLarge, "POST", "/api.php", "",
			strings.Repeat("x", 10<<20+1)},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if row.headers != "" {
				headers = []string{row.headers}
			}
			r := send(t, row.method, row.path, row.body, headers...)
			if r.Status != row.status || r.Header.Get("X-Amzn-Errortype") == "" {
				t.Errorf("%d %v, want %d of the gateway", r.Status, r.Header, row.status)
			}
		})
	}
}
