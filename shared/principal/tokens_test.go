package principal

import (
	"context"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

// A token ends by the clock, whether or not DynamoDB has removed it; it is stored as a
// hash alone.
func TestTokenEndsByTheClock(t *testing.T) {
	d, kit, clock := newDirectory(t)
	tokens := Tokens{d.Principals, d.Now}
	token, created, err := tokens.Issue(t.Context(), "app", "acme", 10*time.Second)
	if err != nil || !created.Equal(clock.Time) || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}\.YXBw$`).MatchString(token) {
		t.Fatal(token, created, err)
	}
	other, _, _ := tokens.Issue(t.Context(), "app", "acme", 10*time.Second)
	if other == token {
		t.Error("two tokens are the same")
	}
	stored := strings.Join(kit.Dump(t, kit.Principals.Table), "\n")
	if strings.Contains(stored, token) || !strings.Contains(stored, Hash(token)) {
		t.Errorf("stored: %s", stored)
	}
	check := func(want error) {
		t.Helper()
		app, tenant, err := tokens.Find(context.Background(), token)
		if err != want || err == nil && (app != "app" || tenant != "acme") {
			t.Errorf("%v after: %s, %s, %v, want %v", clock.Sub(created), app, tenant, err, want)
		}
	}
	check(nil)
	clock.Advance(9 * time.Second)
	check(nil)
	clock.Advance(time.Second)
	check(ErrNotLetIn)
	clock.Advance(-2 * time.Second)
	check(nil)
	random, _, _ := strings.Cut(token, ".")
	encoded := func(app string) string { return base64.RawURLEncoding.EncodeToString([]byte(app)) }
	for _, wrong := range []string{
		"", token[:42], Hash(token), token + "A", random, random + ".", random + "." + encoded("changing"), random + ".!", "." + encoded("app"),
		random + "." + encoded(strings.Repeat("n", 257)), random + ".YXBx",
	} {
		if _, _, err := tokens.Find(t.Context(), wrong); err != ErrNotLetIn {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
}

// A token is worth no more than its app: it ends with it, at once.
func TestTokenEndsWithItsApp(t *testing.T) {
	for name, change := range map[string]item{
		"gone":           nil,
		"disabled":       {"tenantId": s("acme"), "disabled": &types.AttributeValueMemberBOOL{Value: true}},
		"not valid":      {"tenantId": s("acme"), "validUntil": &types.AttributeValueMemberN{Value: "1800000000"}},
		"another tenant": {"tenantId": s("umbrella")},
		"no operation":   {"tenantId": s("acme"), "operations": &types.AttributeValueMemberL{}},
	} {
		d, kit, _ := newDirectory(t)
		tokens := Tokens{d.Principals, d.Now}
		token, _, err := tokens.Issue(t.Context(), "app", "acme", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		kit.Faults.Calls()
		if _, _, err := tokens.Find(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if calls := kit.Faults.Calls(); !slices.Equal(calls, []string{"BatchGetItem"}) {
			t.Errorf("a token takes %v", calls)
		}
		key := item{"principal": s(store.PrincipalKey(store.App, "app"))}
		if change == nil {
			_, err = kit.Plain.DeleteItem(
				t.Context(),
				&dynamodb.DeleteItemInput{TableName: &kit.Principals.Table, Key: key},
			)
			if err != nil {
				t.Fatal(err)
			}
		} else {
			change["principal"] = key["principal"]
			kit.Put(t, kit.Principals.Table, change)
		}
		if _, _, err := tokens.Find(t.Context(), token); err != ErrNotLetIn {
			t.Errorf("its app is %s: %v", name, err)
		}
	}
}
