package main

import (
	"encoding/base64"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// world is the function on a real engine.
type world struct {
	*dynamotest.Kit
	handler
	token string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	kit := dynamotest.Open(t)
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests for these tests")}}
	w := &world{Kit: kit, handler: handler{
		door: caller.Door{
			Directory: principal.Directory{
				Principals: kit.Principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
			},
			Tokens: principal.Tokens{Principals: kit.Principals, Now: time.Now},
		},
		holder: erasure.NewHolder(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, erasure.Timing{}, erasure.SystemClock()),
		holds:  kit.Holds, index: dynamotest.StandingIndex, digests: digests,
		now: time.Now,
	}}
	put := func(kind, name, hash string, more attribute.Item) {
		more["principal"], more["hashes"] = attribute.Text(store.PrincipalKey(kind, name)), attribute.Texts(hash)
		kit.Put(t, kit.Principals.Table, more)
	}
	hash := principal.HashPasswords([]string{"password"}, nil)[0]
	put(store.Operator, "csr", hash, attribute.Item{})
	put(store.Operator, "other", hash, attribute.Item{"operations": attribute.Texts("read-erasures")})
	put(store.APIUser, "john", principal.Hash("key"), attribute.Item{"accounts": attribute.Texts("shop")})
	put(store.App, "ak", principal.Hash("sk"), attribute.Item{"tenantId": attribute.Text("acme")})
	var err error
	if w.token, _, err = w.door.Tokens.Issue(t.Context(), "ak", "acme", time.Hour); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask sends a call to the function. by is a principal with its secret, or an
// Authorization header.
func (w *world) ask(t testing.TB, by, method, id, body string) gateway.Answer {
	t.Helper()
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	if known, ok := map[string]string{
		"csr": basic("csr:password"), "other": basic("other:password"), "john": basic("john:key"), "ak": "Bearer " + w.token,
	}[by]; ok {
		by = known
	}
	path, resource := operation.ListHolds.Path, operation.ListHolds.Path
	if id != "" {
		path, resource = path+"/"+id, operation.PlaceHold.Path
	}
	request := frontdoor.Request{Method: method, Path: path, Params: map[string]string{"id": id}, Body: []byte(body)}
	request.Header = [][2]string{{"Authorization", by}}
	if body != "" {
		request.Header = append(request.Header, [2]string{"Content-Type", "application/json"})
	}
	event := request.Event()
	event.Resource = resource
	answer, err := w.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
