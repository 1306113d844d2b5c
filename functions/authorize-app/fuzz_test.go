package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/authorizer"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// goodToken is one that the door knows.
var goodToken = base64.RawURLEncoding.EncodeToString(
	[]byte(strings.Repeat("r", 32)),
) + "." + base64.RawURLEncoding.EncodeToString(
	[]byte("app"),
)

func door(f testing.TB) frontdoor.Door {
	key, until := "token#"+principal.Hash(goodToken), strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	db := &frontdoor.Database{Principals: map[string]string{
		"app#app": `{"principal":{"S":"app#app"},"tenantId":{"S":"acme"}}`,
		key:       `{"principal":{"S":"` + key + `"},"appKey":{"S":"app"},"tenantId":{"S":"acme"},"expires":{"N":"` + until + `"}}`,
	}}
	return frontdoor.New(
		f,
		db,
		handler{
			principal.Tokens{Principals: store.Principals{DB: db.Client(), Table: "Principals"}, Now: time.Now},
		}.authorizer().Handle,
	)
}

// ask sends an event and says whether it was let in; reached is false when it was no
// event.
func ask(t testing.TB, door frontdoor.Door, event []byte) (in, reached bool) {
	t.Helper()
	out, err := door.Invoke(t, event)
	if err != nil {
		if len(door.Database.Calls()) > 0 {
			t.Errorf("the authorizer ended with %v", err)
		}
		return false, false
	}
	var policy events.APIGatewayCustomAuthorizerResponse
	if err := json.Unmarshal(out, &policy); err != nil || len(policy.PolicyDocument.Statement) != 1 ||
		len(policy.PolicyDocument.Statement[0].Resource) != len(operation.Routes(operation.AuthorizeApp)) {
		t.Fatalf("the policy is %s, %v", out, err)
	}
	effect := policy.PolicyDocument.Statement[0].Effect
	in = effect == "Allow"
	wrong := policy.PrincipalID != "app" || policy.Context["appKey"] != "app" || policy.Context["tenantId"] != "acme"
	if !in {
		wrong = policy.PrincipalID != "refused" || policy.Context != nil || effect != "Deny"
	}
	if wrong {
		t.Errorf("the policy is %s", out)
	}
	return in, true
}

// FuzzAuthorization: any Authorization header lets in if and only if it is the one token
// under the one scheme; and two headers never do.
func FuzzAuthorization(f *testing.F) {
	for _, value := range []string{
		"Bearer " + goodToken, "bearer   " + goodToken, "Bearer " + goodToken + " ", "Bearer\t" + goodToken, "Basic " + goodToken, goodToken, "Bearer", "Bearer ", "", "Bearer " + goodToken + "=",
		"Bearer " + goodToken[:43] + ".", "Bearer ." + goodToken[44:], "Bearer " + goodToken[:43], "Bearer " + goodToken + ".x", "Bearer " + principal.Hash(goodToken), "Bearer " + goodToken[:43] + ".YXBw\n",
		"Bearer x." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("%", 256))), "Bearer x." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("a", 257))), "Bearer x._w", "Bearer x.AA",
		"Bearer " + goodToken + ", Bearer " + goodToken, "Bearer x." + strings.Repeat("A", 9000),
	} {
		f.Add(value, "", false)
		f.Add(value, value, false)
		f.Add(value, "", true)
	}
	door := door(f)
	f.Fuzz(func(t *testing.T, value, second string, token bool) {
		value, second = strings.ToValidUTF8(value, "\uFFFD"), strings.ToValidUTF8(second, "\uFFFD") // an event is JSON
		event := frontdoor.Authorization(t, route, value, second)
		if token {
			event, second = frontdoor.Marshal(t, tokenEvent(value)), ""
		}
		in, reached := ask(t, door, event)
		words := slices.DeleteFunc(strings.Split(value, " "), func(word string) bool { return word == "" })
		want := second == "" && len(words) == 2 && strings.EqualFold(words[0], "Bearer") &&
			words[1] == goodToken && value[0] != ' ' && value[len(value)-1] != ' '
		if in != want || !reached {
			t.Errorf("%q, %q: let in: %v, want %v", value, second, in, want)
		}
	})
}

// FuzzEvent: whatever API Gateway asks, the answer is a policy that allows or denies the
// app's routes.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "authorize-app") {
		f.Add(event)
	}
	for _, event := range []authorizer.Request{
		request("Bearer " + goodToken), request(), tokenEvent("Bearer " + goodToken),
	} {
		f.Add(frontdoor.Marshal(f, event))
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"type":"REQUEST","methodArn":"//","headers":{"AUTHORIZATION":"Bearer ` + goodToken + `"}}`))
	door := door(f)
	f.Fuzz(func(t *testing.T, event []byte) { ask(t, door, event) })
}
