package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/authorizer"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// door is the authorizer with one operator, csr, whose hash is a cheap one. Other names
// are locked out, so that none of them costs the slow hash.
func door(f testing.TB) frontdoor.Door {
	hash, err := argon2id.CreateHash(
		"pa:ss",
		&argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	)
	if err != nil {
		f.Fatal(err)
	}
	db := &frontdoor.Database{Strict: true, Principals: map[string]string{
		"operator#csr": `{"principal":{"S":"operator#csr"},"hashes":{"L":[{"S":"` + hash + `"}]}}`,
	}}
	directory := principal.Directory{
		Principals: store.Principals{
			DB:    db.Client(),
			Table: "Principals",
		}, Guard: principal.Guard{Limit: 10, Window: time.Minute}, Now: time.Now,
	}
	return frontdoor.New(f, db, handler{directory}.authorizer().Handle)
}

// ask sends an event and says whether it was let in; a refusal is the word that API
// Gateway answers with 401, and nothing else.
func ask(t testing.TB, door frontdoor.Door, event []byte) (in, reached bool) {
	t.Helper()
	out, err := door.Invoke(t, event)
	if err != nil {
		if err != authorizer.ErrUnauthorized && len(door.Database.Calls()) > 0 || err.Error() == "authorizer failed" {
			t.Errorf("the authorizer ended with %v", err)
		}
		return false, err == authorizer.ErrUnauthorized
	}
	var policy events.APIGatewayCustomAuthorizerResponse
	if err := json.Unmarshal(out, &policy); err != nil || policy.PrincipalID != "csr" ||
		len(policy.PolicyDocument.Statement) != 1 ||
		policy.PolicyDocument.Statement[0].Effect != "Allow" ||
		policy.Context["operations"] != "delete-customer-info set-temporary-allow read-provision use-temporary-allow read-erasures preview-erasures hold-erasures" {
		t.Errorf("the policy is %s, %v", out, err)
	}
	return true, true
}

// FuzzAuthorization: any Authorization header lets in if and only if net/http reads csr's
// name and password in it; and two headers never do.
func FuzzAuthorization(f *testing.F) {
	encode := func(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }
	for _, value := range []string{
		"Basic " + encode("csr:pa:ss"), "basic  " + encode("csr:pa:ss"), "BASIC " + encode("csr:pa:ss"), "Basic\t" + encode("csr:pa:ss"), "Basic " + encode("csr:pa:ss") + " ",
		"Basic " + encode("csr:wrong"), "Basic " + encode("csr"), "Basic " + encode(":pa:ss"), "Basic " + encode("csr:"), "Basic " + encode("csr\x00:pa:ss"), "Basic " + encode("csr\xff:pa:ss"),
		"Basic " + strings.TrimRight(encode("csr:pa:ss"), "="), "Basic " + base64.URLEncoding.EncodeToString([]byte("csr:\xff\xfe")), "Basic " + encode("csr:pa:ss")[:5] + "\n" + encode("csr:pa:ss")[5:],
		"Bearer " + encode("csr:pa:ss"), "Basic", "Basic ", "", " Basic " + encode("csr:pa:ss"), "Basic csr:pa:ss", "Basic " + encode("operator#csr:pa:ss"), "Basic " + encode("csr:"+strings.Repeat("x", 1025)),
		"Basic " + encode(strings.Repeat("%", 256)+":x"), "Basic " + encode(strings.Repeat("n", 257)+":x"), "Basic " + encode("nobody:pa:ss") + ", Basic " + encode("csr:pa:ss"),
	} {
		f.Add(value, "", false)
		f.Add(value, value, false)
		f.Add(value, "", true)
	}
	door := door(f)
	f.Fuzz(func(t *testing.T, value, second string, token bool) {
		value, second = strings.ToValidUTF8(value, "\uFFFD"), strings.ToValidUTF8(second, "\uFFFD") // an event is JSON
		event := frontdoor.Authorization(t, methodArn, value, second)
		if token {
			event, second = frontdoor.Marshal(t, tokenEvent(value)), ""
		}
		in, reached := ask(t, door, event)
		// RFC 9110 section 11.4 allows more than one space before the credentials,
		// net/http one.
		scheme, credentials, _ := strings.Cut(value, " ")
		header := http.Header{"Authorization": {scheme + " " + strings.TrimLeft(credentials, " ")}}
		name, password, ok := (&http.Request{Header: header}).BasicAuth()
		want := ok && name == "csr" && password == "pa:ss" && second == ""
		if in != want || !reached {
			t.Errorf("%q, %q: let in: %v, want %v", value, second, in, want)
		}
	})
}

// FuzzEvent: whatever API Gateway asks, the answer is a policy for csr's routes or the
// refusal.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "authorize-operator") {
		f.Add(event)
	}
	for _, event := range []authorizer.Request{
		request("Basic Y3NyOnBhOnNz"), tokenEvent("Basic Y3NyOnBhOnNz"),
	} {
		f.Add(frontdoor.Marshal(f, event))
	}
	f.Add([]byte(`{}`))
	f.Add(
		[]byte(
			`{"type":"REQUEST","methodArn":"//","headers":{"AUTHORIZATION":"Basic Y3NyOnBhOnNz"},"requestContext":{"identity":{"sourceIp":"fe80::1%eth0"}}}`,
		),
	)
	door := door(f)
	f.Fuzz(func(t *testing.T, event []byte) { ask(t, door, event) })
}
