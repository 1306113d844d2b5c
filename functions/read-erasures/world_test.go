package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// world is the function on a real engine, with a log that the test seals itself.
type world struct {
	*dynamotest.Kit
	handler
	digester    digest.Digester
	signer      note.Signer
	verifierKey string
	stored      []tlog.Hash
	names       []string
	sealed      int64 // leaves whose records know their places
	token       string
}

var begin = time.Date(2026, 11, 27, 10, 11, 12, 345e6, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	kit := dynamotest.Open(t)
	secret, public, err := note.GenerateKey(nil, "log.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	byID := map[string][]byte{"1": []byte("a key of digests for these tests, 1"), "2": []byte("another key")}
	now := func() time.Time { return begin }
	w := &world{Kit: kit, signer: signer, verifierKey: public, digester: digest.Digester{Current: "1", Keys: byID}}
	w.handler = handler{
		door: caller.Door{
			Directory: principal.Directory{
				Principals: kit.Principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: now,
			},
			Tokens: principal.Tokens{Principals: kit.Principals, Now: now},
		},
		ledger: kit.Erasures, index: "unlogged",
		log: store.Log{DB: kit.DB, Table: strings.TrimSuffix(kit.Erasures.Table, "Erasures") + "Log"},
		keys: &keys{now: now, read: func(context.Context) (map[string][]byte, error) {
			return map[string][]byte{"1": byID["1"]}, nil
		}},
	}
	put := func(kind, name, hash string, more item) {
		more["principal"], more["hashes"] = attribute.Text(store.PrincipalKey(kind, name)), attribute.Texts(hash)
		kit.Put(t, kit.Principals.Table, more)
	}
	hash := principal.HashPasswords([]string{"password"}, nil)[0]
	put(store.Operator, "csr", hash, item{})
	put(store.Operator, "other", hash, item{"operations": attribute.Texts("set-temporary-allow")})
	put(store.APIUser, "john", principal.Hash("key"), item{"accounts": attribute.Texts("shop")})
	put(store.App, "ak", principal.Hash("sk"), item{"tenantId": attribute.Text("acme")})
	if w.token, _, err = w.door.Tokens.Issue(t.Context(), "ak", "acme", time.Hour); err != nil {
		t.Fatal(err)
	}
	w.seal(t)
	return w
}

type item = map[string]types.AttributeValue

func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// id is the id of an erasure that was accepted n seconds after the beginning.
func id(n int) string {
	return fmt.Sprintf("%s-%016x", begin.Add(time.Duration(n)*time.Second).Format("20060102T150405Z"), n)
}

// accept puts the record and the job of an erasure there, as its acceptance does.
func (w *world) accept(t *testing.T, n int, kind, scope, keyID string, subjects ...string) item {
	t.Helper()
	digests, leaves := w.subjects(kind, scope, keyID, subjects, nil)
	said := statement.Statement{
		Type: statement.Accepted, ID: id(n), Kind: kind, Scope: scope, By: "somebody",
		Accepted: statement.TimeOf(begin), Subjects: statement.NewTree(leaves).Subjects(),
	}
	job := "numbers-" + digests[0]
	if kind == statement.Customer {
		job = "customer-" + digests[0]
	}
	record := item{
		"erasureId": attribute.Text("erasure-" + id(n)), "kind": attribute.Text(kind), "scope": attribute.Text(scope),
		"requestedBy": attribute.Text("somebody"), "requestedAt": attribute.Number(begin.UnixMilli()),
		"state": attribute.Text("open"), "subjects": attribute.Texts(digests...), "accepted": attribute.Text(string(said.Line())),
		"job": attribute.Text(job), "unlogged": attribute.Text(strconv.Itoa(n % 4)), "unloggedAt": attribute.Number(begin.UnixMilli()),
	}
	w.Put(t, w.Erasures.Table, record, item{
		"erasureId": attribute.Text(job), "id": attribute.Text(id(n)), "openShard": attribute.Text("0"),
		"dueAt": attribute.Number(begin.UnixMilli()), "scope": attribute.Text(scope),
	})
	return record
}

// subjects are the digests of subjects, and their leaves in a statement.
func (w *world) subjects(kind, scope, keyID string, names []string, outcomes store.Outcomes) (
	digests []string, leaves []statement.Subject,
) {
	word := map[string]string{statement.Customer: "customer", statement.Numbers: "number"}[kind]
	for i, name := range names {
		message := digest.Message(word, scope, name)
		made, _ := w.digester.Under(keyID, message)
		opening, _ := w.digester.Opening(keyID, message)
		leaf := statement.Subject{Commitment: statement.Commitment(opening, message)}
		if outcomes != nil {
			leaf.Outcome = statement.OutcomeNotFound
			if outcomes.Of(i) == store.Erased {
				leaf.Outcome = statement.OutcomeErased
			}
		}
		digests, leaves = append(digests, made), append(leaves, leaf)
	}
	return digests, leaves
}

// end ends an erasure that accept has begun.
func (w *world) end(t *testing.T, n int, record item, outcomes store.Outcomes, subjects ...string) {
	t.Helper()
	kind, scope := attribute.ReadText(record, "kind"), attribute.ReadText(record, "scope")
	_, leaves := w.subjects(kind, scope, "1", subjects, outcomes)
	at := begin.Add(10 * time.Minute)
	said := statement.Statement{
		Type: statement.Erased, ID: id(n), Kind: kind, Scope: scope, By: "somebody", Accepted: statement.TimeOf(begin),
		End:      &statement.End{Finished: statement.TimeOf(at), Verified: statement.TimeOf(at), BackupsUntil: statement.TimeOf(at)},
		Subjects: statement.NewTree(leaves).Subjects(),
	}
	delete(record, "job")
	for _, name := range []string{"finishedAt", "verifiedAt", "backupsUntil", "unloggedAt"} {
		record[name] = attribute.Number(at.UnixMilli())
	}
	record["state"], record["statement"] = attribute.Text("done"), attribute.Text(string(said.Line()))
	record["outcomes"], record["found"], record["deleted"] = binary(outcomes), attribute.Number(4), attribute.Number(4)
	record["unlogged"] = attribute.Text(strconv.Itoa(n % 4))
	w.Put(t, w.Erasures.Table, record)
}

// append appends a statement of a record to the log, and marks it in the record unless
// the sealer is to have died before.
func (w *world) append(t *testing.T, record item, name string, mark bool) {
	t.Helper()
	leaf := int64(len(w.names))
	line := attribute.ReadText(record, map[string]string{"a": "accepted", "e": "statement"}[name])
	hashes, err := tlog.StoredHashes(leaf, []byte(line), tlog.HashReaderFunc(func(at []int64) (all []tlog.Hash, err error) {
		for _, i := range at {
			all = append(all, w.stored[i])
		}
		return all, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	w.stored = append(w.stored, hashes...)
	w.names = append(w.names, strings.TrimPrefix(attribute.ReadText(record, "erasureId"), "erasure-")+"/"+name)
	if mark {
		field := map[string]string{"a": "accepted", "e": "end"}[name]
		record[field+"Leaf"], record[field+"SealedAt"] = attribute.Number(leaf), attribute.Number(begin.UnixMilli())
		delete(record, "unlogged")
		delete(record, "unloggedAt")
		w.Put(t, w.Erasures.Table, record)
		w.sealed = leaf + 1
	}
}

// seal writes the tiles and signs a checkpoint.
func (w *world) seal(t *testing.T) {
	t.Helper()
	size := int64(len(w.names))
	hashes := tlog.HashReaderFunc(func(at []int64) (all []tlog.Hash, err error) {
		for _, i := range at {
			all = append(all, w.stored[i])
		}
		return all, nil
	})
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: receipt.CheckpointText("log.example", tlog.Tree{N: size, Hash: root})}, w.signer)
	if err != nil {
		t.Fatal(err)
	}
	items := []item{{
		"part": attribute.Text("head"), "size": attribute.Number(size), "root": binary(root[:]),
		"checkpoint": attribute.Text(string(signed)), "key": attribute.Text(w.verifierKey),
		"sealed": attribute.Number(w.sealed), "at": attribute.Number(begin.UnixMilli()),
	}}
	for level := 0; size>>(8*level) > 0; level++ {
		for n := int64(0); n<<8 < size>>(8*level); n++ {
			tile := item{"part": attribute.Text(fmt.Sprintf("tile/%d/%d", level, n))}
			var all []byte
			for i := n << 8; i < min((n+1)<<8, size>>(8*level)); i++ {
				hash := w.stored[tlog.StoredHashIndex(8*level, i)]
				all = append(all, hash[:]...)
			}
			tile["hashes"] = binary(all)
			if level == 0 {
				tile["leaves"] = attribute.Texts(w.names[n<<8 : min((n+1)<<8, size)]...)
			}
			items = append(items, tile)
		}
	}
	w.Put(t, w.log.Table, items...)
}

// ask sends a call to the function. by is "csr", "other", "john", "ak", or the value of
// an Authorization header.
func (w *world) ask(t testing.TB, by string, route operation.Route, id, body string, more ...[2]string) gateway.Answer {
	t.Helper()
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	if known, ok := map[string]string{
		"csr": basic("csr:password"), "other": basic("other:password"), "john": basic("john:key"), "ak": "Bearer " + w.token,
	}[by]; ok {
		by = known
	}
	request := frontdoor.Request{Method: route.Method, Path: route.Path, Params: map[string]string{"id": id}, Body: []byte(body)}
	if by != "" {
		request.Header = append(request.Header, [2]string{"Authorization", by})
	}
	for _, field := range more {
		if field[0] == "?" {
			request.Query, _ = url.ParseQuery(field[1])
			if request.Query["limit"] == nil {
				request.Query["limit"] = []string{"10"}
			}
			continue
		}
		request.Header = append(request.Header, field)
	}
	event := request.Event()
	event.Resource = route.Path
	answer, err := w.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// expect fails the test when the answer has another status or body.
func expect(t testing.TB, got gateway.Answer, status int, body string) {
	t.Helper()
	if got.StatusCode != status || got.Body != body {
		t.Errorf("got  %d %s\nwant %d %s", got.StatusCode, got.Body, status, body)
	}
}

func problem(status int, title, detail string) string {
	return fmt.Sprintf(`{"type":"about:blank","title":"%s","status":%d,"detail":"%s"}`, title, status, detail)
}

var noErasure = problem(404, "Not Found", "There is no such erasure")

// names is the calls in one text.
func names(_ testing.TB, calls []string) string { return strings.Join(calls, " ") }
