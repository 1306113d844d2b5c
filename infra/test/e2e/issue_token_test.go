package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/principal"
	"customercare/shared/store"
)

func TestToken(t *testing.T) {
	app(t, "app-token", "tenant-token")
	exact := regexp.MustCompile(`^\{"AccessToken":"([^"]{32,})","ApplyType":"Bearer","CreateTime":"(\d+)","Expires":"(\d+)",` +
		`"Scope":"([^"]+)","AppKey":"app-token","UserID":"Anonymous"\}$`)
	seen := map[string]bool{}
	for _, row := range []struct{ header, expires string }{
		{"", "600"}, {"X-Token-Expire: 1", "1"}, {"X-Token-Expire: 3600", "3600"}, {"x-token-expire: 60", "60"},
		{"X-Token-Expire: 600", "600"},
	} {
		headers := []string{bodyJSON}
		if row.header != "" {
			headers = append(headers, row.header)
		}
		began := time.Now().Unix()
		r := send(t, "POST", tokenPath, credentials("app-token"), headers...)
		m := exact.FindStringSubmatch(r.Body)
		if r.Status != 200 || m == nil {
			t.Fatalf("%q: %d %s", row.header, r.Status, r.Body)
		}
		r.contentType(t, "json")
		if r.Header.Get("Cache-Control") != "no-store" {
			t.Error("a token may be kept by a cache")
		}
		created, _ := strconv.ParseInt(m[2], 10, 64)
		if m[3] != row.expires || created < began || created > time.Now().Unix() {
			t.Errorf("%q: %s, began at %d", row.header, r.Body, began)
		}
		if seen[m[1]] {
			t.Error("the same token twice")
		}
		seen[m[1]] = true
		// Neither token nor secret is stored anywhere.
		for _, secret := range []string{m[1], "secret-of-app-token"} {
			if lines := dump(t, secret); len(lines) != 0 {
				t.Errorf("stored in the clear: %s", lines)
			}
		}
	}
	// The format is the body's alone: a missing or another Content-Type changes nothing.
	for _, header := range []string{"Content-Type: application/json; charset=utf-8", "Accept: */*",
		"Accept: application/xml"} {
		if r := send(t, "POST", tokenPath, credentials("app-token"), header); !exact.MatchString(r.Body) {
			t.Errorf("%s: %d %s", header, r.Status, r.Body)
		}
	}
}

func TestTokenRefused(t *testing.T) {
	app(t, "app-refused", "tenant-refused")
	app(t, "app-refused2", "tenant-refused")
	operator(t, "csr-token")
	unchanged(t)
	const secret = "secret-of-app-refused-0123456789abcdef"
	wrong := `{"retCode":"401","retMsg":"app_key or app_secret is wrong"}`
	for _, pair := range [][2]string{
		{"app-refused", "wrong"}, {"app-refused", secret + "x"}, {"app-refused", secret[:len(secret)-1]},
		{"app-refused", strings.ToUpper(secret)},
		{"app-refused2", secret}, {"nobody", secret}, {"App-refused", secret}, {"app-refused ", secret},
		{"csr-token", "password of csr-token"},
		{strings.Repeat("k", 256), secret}, {strings.Repeat("k", 257), secret},
		{"app-refused", strings.Repeat("s", 60000)}, {"app-refused#", secret},
		{"operator#csr-token", "password of csr-token"},
	} {
		body, _ := json.Marshal(map[string]string{"app_key": pair[0], "app_secret": pair[1]})
		send(t, "POST", tokenPath, string(body)).is(t, 401, wrong)
	}
	for body, names := range map[string]string{
		`{"app_secret":"` + secret + `"}`:              "app_key",
		`{"app_key":"app-refused"}`:                    "app_secret",
		`{"app_key":"","app_secret":"` + secret + `"}`: "app_key",
		`{"app_key":"app-refused","app_secret":""}`:    "app_secret",
		`{"app_key":1,"app_secret":"x"}`:               "app_key",
		`{"app_key":["app-refused"],"app_secret":"x"}`: "app_key",
		`{"app_key":"app-refused","app_secret":null}`:  "app_secret",
		`{"app_key":"app-refused","app_secret":{}}`:    "app_secret",
		`{"app_key":"app-refused","app_secret":true}`:  "app_secret",
		`{}`: "app_key",
	} {
		send(t, "POST", tokenPath, body).failed(t, 400, names)
	}
	send(t, "POST", tokenPath, "app_key=app-refused&app_secret="+secret, urlencoded).failed(t, 400, "JSON")
	for _, value := range []string{"0", "3601", "-1", "1.5", "1e2", "0x10", "abc", "60 s", "60,60",
		"99999999999999999999", "\u0661", "65596", "+60", "6_0"} {
		send(t, "POST", tokenPath, credentials("app-refused"), "X-Token-Expire: "+value).failed(t, 400,
			"X-Token-Expire")
	}
	send(t, "POST", tokenPath, credentials("app-refused"), "X-Token-Expire: 60", "x-token-expire: 60").failed(t,
		400, "X-Token-Expire")
}

func TestTokenBodyLimit(t *testing.T) {
	app(t, "app-limit", "tenant-limit")
	const limit = 64 << 10
	pad := func(size int) string {
		return credentials("app-limit") + strings.Repeat(" ", size-len(credentials("app-limit")))
	}
	if r := send(t, "POST", tokenPath, pad(limit)); r.Status != 200 {
		t.Errorf("64 KB: %d %s", r.Status, r.Body)
	}
	unchanged(t)
	send(t, "POST", tokenPath, pad(limit+1)).failed(t, 413, "65536 bytes")
	send(t, "POST", tokenPath, pad(1<<20)).failed(t, 413, "65536 bytes")
}

// Everything that is no route of operations 4 and 5 is a 404 with their two strings.
func TestAppRoutes(t *testing.T) {
	bearer := app(t, "app-routes", "tenant-routes")
	unchanged(t)
	for _, path := range []string{
		tokenPath, cleanPath, tokenPath + "/x", cleanPath + "/x", "/apigovernance/api/oauth", "/apiaccess",
		strings.ToLower(tokenPath), strings.ToUpper(cleanPath),
		strings.Replace(cleanPath, "v1", "v2", 1), "/nothing",
	} {
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "OPTIONS", "POST"} {
			if method == "POST" && (path == tokenPath || path == cleanPath) {
				continue
			}
			r := send(t, method, path, "", bearer)
			var answer struct{ RetCode, RetMsg string }
			if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 404 ||
				answer.RetCode != "404" {
				t.Errorf("%s %s: %d %s", method, path, r.Status, r.Body)
			}
			sentence(t, answer.RetMsg, "path")
		}
	}
}

func TestTokenExpires(t *testing.T) {
	app(t, "app-expires", "tenant-expires")
	asked := func(value string) reply {
		return send(t, "POST", cleanPath, `{"customNos":["nobody-expires"]}`, "Authorization: Bearer "+value)
	}
	// Within its time, and a second after it.
	long, passing := token(t, "app-expires", "X-Token-Expire: 3600"), token(t, "app-expires", "X-Token-Expire: 3599")
	asked(passing).verified(t)
	table := running.Table("Principals")
	stored := slices.DeleteFunc(scan(t, table, "attribute_exists(expires)"), func(i item) bool {
		return i["principal"].(*types.AttributeValueMemberS).Value != store.PrincipalKey(store.Token,
			principal.Hash(passing))
	})
	if len(stored) != 1 {
		t.Fatalf("%d tokens are stored", len(stored))
	}
	end, err := strconv.ParseInt(stored[0]["expires"].(*types.AttributeValueMemberN).Value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	stored[0]["expires"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(end-3600, 10)}
	replaceItem(t, table, stored[0])
	asked(passing).is(t, 401, notLetIn)
	asked(long).verified(t)
	// And by itself, after the time that was asked for; the other goes on.
	short := token(t, "app-expires", "X-Token-Expire: 1")
	var last reply
	eventually(t, "a token of a second ends", func() bool { last = asked(short); return last.Status != 200 })
	last.is(t, 401, notLetIn)
	asked(long).verified(t)
}
