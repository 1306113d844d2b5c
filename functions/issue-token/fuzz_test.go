package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// door is the function with one app.
func door(f testing.TB) frontdoor.Door {
	db := &frontdoor.Database{Principals: map[string]string{
		"app#ak": `{"principal":{"S":"app#ak"},"hashes":{"L":[{"S":"` + principal.Hash("sk") + `"}]},"tenantId":{"S":"acme"}}`,
	}}
	return frontdoor.New(f, db, newHandler(db.Client(), 900).endpoint().Handler())
}

// newHandler is the operation on that database.
func newHandler(db *dynamodb.Client, usual lifetime) handler {
	principals := store.Principals{DB: db, Table: "Principals"}
	guard := principal.Guard{Limit: 10, Window: 5 * time.Minute}
	return handler{
		directory: principal.Directory{Principals: principals, Guard: guard, Now: time.Now},
		tokens:    principal.Tokens{Principals: principals, Now: time.Now},
		usual:     usual,
	}
}

// checked checks an answer of operation 5 and gives the one of a 200.
func checked(t testing.TB, a events.APIGatewayProxyResponse) (got answer) {
	t.Helper()
	if a.StatusCode != 200 {
		frontdoor.App(t, a)
		return answer{}
	}
	frontdoor.ReadJSON(t, a.Body, &got)
	if len(got.AccessToken) < 43 || got.ApplyType != "Bearer" || got.UserID != "Anonymous" || got.Scope != scope ||
		got.AppKey == "" {
		t.Errorf("the answer is %s", a.Body)
	}
	return got
}

// FuzzBody: any body and X-Token-Expire are refused, or a token is stored and given for
// the app and the time that a second reader reads in them.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"app_key":"ak","app_secret":"sk"}`, `{"app_key":"ak","app_secret":"wrong"}`, `{"app_key":"nobody","app_secret":"sk"}`, `{"app_key":"","app_secret":""}`, `{"app_key":"ak"}`,
		`{"app_key":"ak","app_secret":"sk","app_secret":"sk"}`, `{"App_Key":"ak","app_secret":"sk"}`, `{"app_key":1,"app_secret":"sk"}`, `{"app_key":null,"app_secret":"sk"}`,
		`{"app_key":"\u0061k","app_secret":"s\u006b","x":[{}]}`, `{"app_key":"ak\u0000","app_secret":"sk"}`, `{"app_key":"` + strings.Repeat("%", 256) + `","app_secret":"sk"}`,
		`{"app_key":"` + strings.Repeat("a", 257) + `","app_secret":"sk"}`, `[]`, ``, `{"app_key":"ak","app_secret":"sk"} {}`, `{"app_Key":"ak","app_secret":"sk"}`,
	} {
		f.Add([]byte(body), "600")
	}
	for _, expire := range []string{"", "1", "3600", "3601", "0", "-1", " 60 ", "060", "6e1", "0x3c", "18446744073709551617", "٦٠", "60,60", "\x00"} {
		f.Add([]byte(`{"app_key":"ak","app_secret":"sk"}`), expire)
	}
	door := door(f)
	f.Fuzz(func(t *testing.T, body []byte, expire string) {
		a := door.Send(t,
			frontdoor.Request{Method: "POST", Header: [][2]string{{"X-Token-Expire", expire}}, Body: body})
		got := checked(t, a)
		stored := false
		for _, call := range door.Database.Calls() {
			stored = stored || call.Action == "PutItem"
		}
		if stored != (a.StatusCode == 200) {
			t.Errorf("%q: %d, and a token was stored: %v", body, a.StatusCode, stored)
		}
		if a.StatusCode != 200 {
			return
		}
		var exact map[string]json.RawMessage // a struct's names would match in any case
		var key, secret string
		if err := json.Unmarshal(body, &exact); err != nil || !utf8.Valid(body) {
			t.Fatalf("%q was taken, and no JSON: %v", body, err)
		}
		if json.Unmarshal(exact["app_key"], &key) != nil || json.Unmarshal(exact["app_secret"], &secret) != nil ||
			key != "ak" ||
			secret != "sk" ||
			got.AppKey != key {
			t.Errorf("%q was given a token for %q", body, got.AppKey)
		}
		if strings.Trim(expire, " \t") == "" {
			expire = "900" // an empty header is none
		}
		if seconds, err := strconv.Atoi(strings.TrimSpace(expire)); err != nil || seconds < 1 || seconds > 3600 ||
			got.Expires != strconv.Itoa(seconds) {
			t.Errorf("X-Token-Expire %q gives %s", expire, got.Expires)
		}
	})
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of operation 5's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "issue-token") {
		f.Add(event)
	}
	f.Add([]byte(`{}`))
	f.Add(
		[]byte(
			`{"httpMethod":"POST","body":"eyJhcHBfa2V5IjoiYWsiLCJhcHBfc2VjcmV0Ijoic2sifQ","isBase64Encoded":true,"requestContext":{"identity":{"sourceIp":"::ffff:1.2.3.4%x"}}}`,
		),
	)
	f.Add(
		[]byte(
			`{"httpMethod":"POST","body":"{\"app_key\":\"ak\",\"app_secret\":\"sk\"}","multiValueHeaders":{"x-token-expire":["60"],"X-Token-Expire":["60"]}}`,
		),
	)
	door := door(f)
	f.Fuzz(func(t *testing.T, event []byte) {
		if answer, ok := door.SendRaw(t, event); ok {
			checked(t, answer)
		}
	})
}
