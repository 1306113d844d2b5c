package e2e

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/stack"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/operation"
)

// What real clients send of who they are: headers that are there but empty, one wrong
// secret again and again, Basic in ISO-8859-1, a right key with a typo in the account.

// latin1 is an Authorization header with the pair in ISO-8859-1.
func latin1(name, password string) string {
	var pair []byte
	for _, r := range name + ":" + password {
		pair = append(pair, byte(r))
	}
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString(pair)
}

// A header that is there but empty is none: the key is looked for in the form, the app
// key is not compared, a token lives as long as usual. With another of the same name that
// one counts.
func TestEmptyHeaders(t *testing.T) {
	t.Parallel()
	const account, code = "empty-headers", "code-empty-headers"
	openAccount(t, account, 1, code)
	bearer := app(t, "app-empty", "tenant-empty")
	key := "api_access_key: " + keyOf(account)
	form, keyless := formOf(account, code), formOf(account, code, "user_password", "-")
	for _, row := range []struct {
		what, body string
		headers    []string
		want       string
	}{
		{"a key in the form", form, []string{urlencoded, "api_access_key: "}, goneXML(code)},
		{"blanks", form, []string{urlencoded, "api_access_key:   \t "}, goneXML(code)},
		{"in another case", form, []string{urlencoded, "Api_Access_Key: "}, goneXML(code)},
		{"multipart", partsOf(fieldsOf(account, code)), []string{multipart, "api_access_key: "}, goneXML(code)},
		{"the form's other name", formOf(account, code, "user_password", "-", "user_api_key", keyOf(account)),
			[]string{urlencoded, "api_access_key: "}, goneXML(code)},
		{"two empty ones", form, []string{urlencoded, "api_access_key: ", "API_ACCESS_KEY: "}, goneXML(code)},
		{"an empty one and the key", keyless,
			[]string{urlencoded, "api_access_key: ", "API_ACCESS_KEY" + key[len("api_access_key"):]}, goneXML(code)},
		{"no key anywhere", keyless, []string{urlencoded, "api_access_key: "},
			sorryXML("user_password is required, or the header api_access_key")},
		{"a wrong key in the form", formOf(account, code, "user_password", "wrong"),
			[]string{urlencoded, "api_access_key: "}, sorryXML(wrongCaller)},
		{"a header that is not empty", form, []string{urlencoded, "api_access_key: wrong"}, sorryXML(wrongCaller)},
		{"two keys", form, []string{urlencoded, key, "API_ACCESS_KEY" + key[len("api_access_key"):]},
			sorryXML("api_access_key is given twice")},
	} {
		if r := send(t, "POST", operation.DeleteCustomer.Paths[0], row.body, row.headers...); r.Status != 200 || r.Body != row.want {
			t.Errorf("%s: %d %s", row.what, r.Status, r.Body)
		}
	}
	for _, headers := range [][]string{{"X-APP-Key: "}, {"x-app-key:  "}, {"X-APP-Key: ", "X-App-Key: app-empty"}} {
		send(t, "POST", cleanPath, `{"customNos":["nobody-empty"]}`, append(headers, bearer)...).verified(t)
	}
	send(t, "POST", cleanPath, `{"customNos":["nobody-empty"]}`, bearer, "X-APP-Key: ",
		"X-App-Key: app-other").failed(t, 401, "X-APP-Key")
	for expires, headers := range map[string][]string{"600": {"X-Token-Expire: "},
		"60": {"X-Token-Expire: ", "x-token-expire: 60"}} {
		if r := send(t, "POST", tokenPath, credentials("app-empty"), headers...); r.Status != 200 ||
			!strings.Contains(r.Body, `"Expires":"`+expires+`"`) {
			t.Errorf("%q: %d %s", headers, r.Status, r.Body)
		}
	}
}

// A pair that is no UTF-8 is ISO-8859-1, in the name as in the password; one that is
// UTF-8 stays it, whatever else it could be.
func TestBasicInLatin1(t *testing.T) {
	t.Parallel()
	load(t,
		`{"kind":"operator","name":"csr-latin","password":"pässwörd£ÿ 0123456789"}`,
		`{"kind":"operator","name":"csr-jürgen","password":"plain 0123456789"}`,
		`{"kind":"operator","name":"csr-straße","password":"naïve:é 0123456789"}`,
		`{"kind":"operator","name":"csr-mojibake","password":"Ã¼ 0123456789012"}`, // its ISO-8859-1 is the UTF-8 of ü
		`{"kind":"operator","name":"csr-replaced","password":"p\ufffdss 0123456789"}`)
	loadUsers(t, "u-latin")
	path := at(bases[0], "u-latin") + "?reset=true"
	for _, header := range []string{
		basic("csr-latin", "pässwörd£ÿ 0123456789"), latin1("csr-latin", "pässwörd£ÿ 0123456789"),
		latin1("csr-jürgen", "plain 0123456789"), basic("csr-jürgen", "plain 0123456789"),
		latin1("csr-straße", "naïve:é 0123456789"), basic("csr-straße", "naïve:é 0123456789"),
		basic("csr-mojibake", "Ã¼ 0123456789012"),
	} {
		if r := send(t, "DELETE", path, "", header); r.Status != 200 {
			t.Errorf("%s: %d %s", header, r.Status, r.Body)
		}
	}
	for _, header := range []string{
		latin1("csr-latin", "password£ÿ 0123456789"), latin1("csr-mojibake", "Ã¼ 0123456789012"),
		basic("csr-replaced", "p\xe4ss 0123456789"), latin1("csr-jurgen", "plain 0123456789"),
		basic("csr-latin", "pässwörd\xa3ÿ 0123456789"), // half of it in each
	} {
		send(t, "DELETE", path, "", header).is(t, 401, unauthorizedJSON)
	}
}

// asked sends a request to a stack and tells the answer's status and body.
func asked(t *testing.T, s *stack.Stack, method, path, body string, headers ...string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(all)
}

// With the template's limits, on a stack of its own whose windows outlast the test.
func TestWrongIsCountedOnce(t *testing.T) {
	t.Parallel()
	s, log := startForGuessingWith(t, map[string]string{"GuessWindow": "999m", "ThrottleBurst": "5000",
		"TokenLifetime": "1234"})
	loadInto(t, s,
		`{"kind":"operator","name":"guess-jürgen","password":"guess-pässword-1"}`,
		`{"kind":"apiUser","name":"guess-agency","key":"guess-agency-key-0123456789","accounts":["agency-1","agency-2"]}`,
		`{"kind":"apiUser","name":"guess-agent","key":"guess-agent-key-0123456789","accounts":["agent-1"]}`,
		`{"kind":"contact","tenantId":"guess-tenant","contactId":"c1","at":"2026-01-02T03:04:05Z","callingNumber":"once-a","calledNumber":"once-b"}`)
	const provision = "/customercare/v1/guess-user/provision?reset=true"
	operators := 0
	operator := func(header string) int {
		operators++
		status, _ := asked(t, s, "DELETE", provision, "", header)
		return status
	}
	user := func(name, key, account string) string {
		status, body := asked(t, s, "POST", "/", formOf(account, "guess-nobody", "user_id", name, "user_password",
			key), urlencoded)
		switch {
		case status == 200 && strings.Contains(body, wrongCaller):
			return "refused"
		case status == 200 && strings.Contains(body, unknownCode):
			return "in"
		case status == 429:
			return "locked"
		}
		return fmt.Sprint(status, body)
	}
	token := func(secret string, headers ...string) (int, string) {
		return asked(t, s, "POST", tokenPath, `{"app_key":"guess-app","app_secret":"`+secret+`"}`, headers...)
	}

	// One database that tries the same again and again, as Java's HttpURLConnection does.
	for i := range 19 {
		if status := operator(basic("guess-operator", "wrong")); status != 401 {
			t.Fatalf("operator, time %d: %d", i, status)
		}
		if got := user("guess-api-user", "wrong", "guess-account"); got != "refused" {
			t.Fatalf("API user, time %d: %s", i, got)
		}
		if status, body := token("wrong"); status != 401 {
			t.Fatalf("app, time %d: %d %s", i, status, body)
		}
	}
	if status := operator(basic("guess-operator", "guess-password-1")); status != 200 {
		t.Errorf("operator: %d", status)
	}
	// An empty header beside the right key is no attempt at all, however often it comes.
	for i := range 12 {
		status, body := asked(t, s, "POST", "/",
			formOf("guess-account", "guess-nobody", "user_id", "guess-api-user", "user_password",
				"guess-key-0123456789"),
			urlencoded, "api_access_key: ")
		if status != 200 || !strings.Contains(body, unknownCode) {
			t.Fatalf("an empty header, time %d: %d %s", i, status, body)
		}
	}
	if got := user("guess-api-user", "guess-key-0123456789", "guess-account"); got != "in" {
		t.Errorf("API user: %s", got)
	}
	status, body := token("guess-secret-0123456789")
	if status != 200 || !strings.Contains(body, `"Expires":"1234"`) { // the stack's own lifetime
		t.Errorf("app: %d %s", status, body)
	}
	if status, body := token("guess-secret-0123456789", "X-Token-Expire: 17"); status != 200 ||
		!strings.Contains(body, `"Expires":"17"`) {
		t.Errorf("app, with a time of its own: %d %s", status, body)
	}

	// Nine more lock; in whichever encoding name and password come, they are the same.
	for i := range 10 {
		wrong := fmt.Sprintf("wröng %d", i)
		for _, header := range []string{latin1("guess-jürgen", wrong), basic("guess-jürgen", wrong)} {
			if status := operator(header); status != 401 {
				t.Fatalf("guess %d: %d", i, status)
			}
		}
		if i == 8 { // nine
			for _, header := range []string{latin1("guess-jürgen", "guess-pässword-1"),
				basic("guess-jürgen", "guess-pässword-1")} {
				if status := operator(header); status != 200 {
					t.Errorf("after nine, each in both encodings: %d", status)
				}
			}
		}
		if got := user("guess-api-user", fmt.Sprint("other ", i), "guess-account"); got != "refused" && i < 9 {
			t.Fatalf("API user, key %d: %s", i, got)
		}
	}
	if got := user("guess-api-user", "guess-key-0123456789", "guess-account"); got != "locked" {
		t.Errorf("after ten keys: %s", got)
	}
	// A function's lines come by a pipe of their own, perhaps after its answer.
	operatorsLockedOut := func() (n int) {
		eventually(t, "a metric line of every call", func() bool {
			told := 0
			n = 0
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, `"Operation":"authorize-operator"`) {
					told++
					n += strings.Count(line, `"CallersLockedOut":1`)
				}
			}
			return told == operators
		})
		return n
	}
	lockedOut := operatorsLockedOut()
	operator(latin1("guess-jürgen", "never sent before"))
	if n := operatorsLockedOut(); n != lockedOut+1 {
		t.Errorf("after ten passwords: %d lines of locked out callers, before %d", n, lockedOut)
	}

	// A right key with a typo in the account, in a loop, and with many accounts.
	for i := range 30 {
		if got := user("guess-agency", "guess-agency-key-0123456789", "agency-l"); got != "refused" {
			t.Fatalf("a typo, time %d: %s", i, got)
		}
	}
	for i := range 60 {
		if got := user("guess-agency", "guess-agency-key-0123456789", fmt.Sprint("agency-1", i)); got != "refused" {
			t.Fatalf("foreign account %d: %s", i, got)
		}
	}
	for _, account := range []string{"agency-1", "agency-2"} {
		if got := user("guess-agency", "guess-agency-key-0123456789", account); got != "in" {
			t.Errorf("their own account %s: %s", account, got)
		}
	}
	for i := range 60 {
		if user("guess-agency", "guess-agency-key-0123456789", fmt.Sprint("agency-2", i)) == "locked" {
			break
		}
	}
	if got := user("guess-agency", "guess-agency-key-0123456789", "agency-9"); got != "locked" {
		t.Errorf("after more than a hundred foreign accounts, another: %s", got)
	}
	for _, account := range []string{"agency-1", "agency-2"} {
		if got := user("guess-agency", "guess-agency-key-0123456789", account); got != "in" {
			t.Errorf("their own account %s after more than a hundred others: %s", account, got)
		}
	}

	// A typo among somebody else's guesses: they alone keep the right key out.
	for i := range 9 {
		if got := user("guess-agent", fmt.Sprint("wrong ", i), "agent-1"); got != "refused" {
			t.Fatalf("guess %d: %s", i, got)
		}
	}
	for i, want := range []string{"refused", "locked"} {
		if got := user("guess-agent", "guess-agent-key-0123456789", "agent-l"); got != want {
			t.Errorf("a typo after nine guesses, time %d: %s", i, got)
		}
	}
	if got := user("guess-agent", "guess-agent-key-0123456789", "agent-1"); got != "in" {
		t.Errorf("their own account after nine guesses and a typo: %s", got)
	}
	for range 2 { // while the typo locks: a guess is a guess
		if got := user("guess-agent", "wrong 9", "agent-1"); got != "locked" {
			t.Errorf("the tenth guess: %s", got)
		}
	}
	if got := user("guess-agent", "guess-agent-key-0123456789", "agent-1"); got != "locked" {
		t.Errorf("their own account after ten guesses: %s", got)
	}

	// The same numbers in another case, in NFD, with a blank: success, and a metric.
	bearer := "Authorization: Bearer " + regexp.MustCompile(`"AccessToken":"([^"]+)"`).FindStringSubmatch(body)[1]
	logged.token([]byte(body))
	if status, body := asked(t, s, "POST", cleanPath,
		`{"customNos":["once-a","once-b","Once-a","once-a ","once-\u0061\u0301"]}`, bearer, bodyJSON); status != 200 {
		t.Errorf("clean: %d %s", status, body)
	}
	var unknown []float64
	eventually(t, "the first pass", func() bool {
		unknown = nil
		for _, line := range metrictest.Lines(t, log.String()) {
			if n, ok := line["NumbersUnknown"].(float64); ok {
				unknown = append(unknown, n)
			}
		}
		return len(unknown) > 0
	})
	if !slices.Equal(unknown, []float64{3}) {
		t.Errorf("unknown numbers: %v", unknown)
	}
}
