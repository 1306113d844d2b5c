package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/attribute"
	"customercare/infra/local/kms"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// bench is a ledger, a log and a KMS, with a handler whose every call goes through the
// faults of the kit.
type bench struct {
	kit    *dynamotest.Kit
	plain  store.Log // past the faults
	ledger store.Erasures
	clock  *dynamotest.Clock
	url    string
	keys   []kms.Key
	tables []string

	heads []tlog.Tree // every head that was seen
}

const unloggedIndex = "unlogged"

// router sends calls to KMS to it, and all others to DynamoDB.
type router struct{ kms, dynamodb http.RoundTripper }

func (r router) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasPrefix(q.Header.Get("X-Amz-Target"), "TrentService.") {
		return r.kms.RoundTrip(q)
	}
	return r.dynamodb.RoundTrip(q)
}

// open makes a bench whose log was begun.
func open(t testing.TB) *bench {
	t.Helper()
	b := openEmpty(t)
	b.run(t, b.handler())
	return b
}

func openEmpty(t testing.TB) *bench {
	t.Helper()
	kit := dynamotest.Open(t)
	b := &bench{kit: kit, clock: &dynamotest.Clock{Time: time.UnixMilli(1_790_000_000_000)}}
	prefix := strings.TrimSuffix(kit.Erasures.Table, "Erasures")
	logTable := prefix + "Log"
	b.ledger = store.Erasures{DB: kit.Plain, Table: kit.Erasures.Table}
	b.plain = store.Log{DB: kit.Plain, Table: logTable}
	b.tables = []string{kit.Erasures.Table, logTable}
	for range 2 {
		key, err := kms.Open("", "us-east-1", "123456789012", fmt.Sprint("LedgerKey", len(b.keys)))
		if err != nil {
			t.Fatal(err)
		}
		b.keys = append(b.keys, key)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := kms.Serve(listener, b.keys)
	t.Cleanup(server.Close)
	b.url = server.URL
	kit.Faults.Next = router{http.DefaultTransport, kit.Faults.Next}
	return b
}

const origin = "test.us-east-1.123456789012.customercare"

// handler is a process of the function, with the first key.
func (b *bench) handler() *handler { return b.handlerWith(0, origin) }

func (b *bench) handlerWith(key int, origin string) *handler {
	settings := kmsSettings{Key: b.keys[key].ARN, Origin: origin, Endpoint: b.url}
	own := settings.key(aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "x"}, nil
		})})
	options := own.client.Options()
	options.HTTPClient = &http.Client{Transport: b.kit.Faults}
	options.Retryer = b.kit.DB.Options().Retryer
	own.client = awskms.New(options)
	return &handler{
		ledger: b.kit.Erasures, unlogged: unloggedIndex,
		log: store.Log{DB: b.kit.DB, Table: b.plain.Table}, key: own, now: b.clock.Now,
	}
}

// run is one run that must succeed.
func (b *bench) run(t testing.TB, h *handler) {
	t.Helper()
	if err := h.handle(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Fatal(err)
	}
}

func idOf(n int) string { return fmt.Sprintf("20261127T101112Z-%016x", n) }

// lineOf is a statement about the erasure n.
func lineOf(n int, kind string) string {
	said := statement.Statement{
		Type: kind, ID: idOf(n), Kind: statement.Customer, Scope: "greatwidgets", By: "john1970",
		Accepted: statement.TimeOf(time.UnixMilli(int64(n))),
		Subjects: &statement.Subjects{N: 1, Root: make([]byte, 32)},
	}
	if kind == statement.Erased {
		said.End = &statement.End{Found: 4, Erased: 4, Passes: 2}
	}
	return string(said.Line())
}

// accepted is a record as an erasure is accepted.
func accepted(n int) attribute.Item {
	return attribute.Item{
		"erasureId": attribute.Text("erasure-" + idOf(n)), "state": attribute.Text("open"),
		"accepted": attribute.Text(lineOf(n, statement.Accepted)),
		"unlogged": attribute.Text(strconv.Itoa(n % 4)), "unloggedAt": attribute.Number(int64(1000 + n)),
	}
}

// accept puts erasures from n to below to on record.
func (b *bench) accept(t testing.TB, from, to int) {
	t.Helper()
	var items []attribute.Item
	for n := from; n < to; n++ {
		items = append(items, accepted(n))
	}
	b.kit.Put(t, b.ledger.Table, items...)
}

// end ends the erasure n, with the keys of the index where outbox.
func (b *bench) end(t testing.TB, n int, outbox bool) {
	t.Helper()
	update, names := "SET #statement = :statement", map[string]string{"#statement": "statement"}
	values := attribute.Item{":statement": attribute.Text(lineOf(n, statement.Erased))}
	if outbox {
		update += ", #unlogged = :shard, unloggedAt = :at"
		names["#unlogged"] = "unlogged"
		values[":shard"], values[":at"] = attribute.Text(strconv.Itoa(n%4)), attribute.Number(int64(2000+n))
	}
	_, err := b.kit.Plain.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: &b.ledger.Table, Key: attribute.Item{"erasureId": attribute.Text("erasure-" + idOf(n))},
		UpdateExpression: &update, ExpressionAttributeValues: values,
		ExpressionAttributeNames: names,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// note looks at the head, which must be consistent with all that were seen before, and
// signed.
func (b *bench) note(t testing.TB) store.Head {
	t.Helper()
	head, err := b.plain.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewVerifier(head.Key)
	if err != nil {
		t.Fatal(err)
	}
	tree, _, err := receipt.OpenCheckpoint(head.Checkpoint, note.VerifierList(signer))
	if err != nil || tree != head.Tree {
		t.Fatalf("checkpoint %s: %v", head.Checkpoint, err)
	}
	for _, old := range b.heads {
		if old.N == 0 || old == tree {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, old.N, b.plain.Hashes(context.Background(), tree))
		if err == nil {
			err = tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
		}
		if err != nil {
			t.Fatalf("%d is inconsistent with %d: %v", tree.N, old.N, err)
		}
	}
	if n := len(b.heads); n == 0 || b.heads[n-1] != tree {
		b.heads = append(b.heads, tree)
	}
	return head
}

// check checks that every statement is in the log once, acceptances before ends, that the
// records know their places, that the root follows from the records, and that nothing is
// left in the index.
func (b *bench) check(t testing.TB) {
	t.Helper()
	head := b.note(t)
	leaves, err := b.plain.Leaves(context.Background(), 0, head.Tree.N)
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]attribute.Item{}
	statements := 0
	for _, item := range dynamotest.Items(t, b.kit.Plain, b.ledger.Table) {
		id, is := strings.CutPrefix(attribute.ReadText(item, "erasureId"), "erasure-")
		if !is {
			continue
		}
		records[id] = item
		for _, name := range []string{"accepted", "statement"} {
			if item[name] != nil {
				statements++
			}
		}
		if item["unlogged"] != nil {
			t.Errorf("%s is in the index", id)
		}
	}
	hashes := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(at []int64) (all []tlog.Hash, err error) {
		for _, i := range at {
			all = append(all, hashes[i])
		}
		return all, nil
	})
	at := map[store.Leaf]int64{}
	for n, leaf := range leaves {
		if _, twice := at[leaf]; twice {
			t.Errorf("%s is twice in the log", leaf)
		}
		at[leaf] = int64(n)
		record, there := records[leaf.ID]
		line, marked, sealed := "accepted", "acceptedLeaf", "acceptedSealedAt"
		if leaf.End {
			line, marked, sealed = "statement", "endLeaf", "endSealedAt"
			if a, before := at[store.Leaf{ID: leaf.ID}]; there && record["accepted"] != nil && (!before || a > int64(n)) {
				t.Errorf("%s: the end before the acceptance", leaf.ID)
			}
		}
		if there && (attribute.ReadNumber(record, marked) != int64(n) || record[marked] == nil || record[sealed] == nil) {
			t.Errorf("%s is leaf %d, and its record says %s", leaf, n, repr.String(record[marked]))
		}
		if !there {
			t.Fatalf("%s has no record", leaf)
		}
		made, _ := tlog.StoredHashes(int64(n), []byte(attribute.ReadText(record, line)), reader)
		for level, hash := range made {
			hashes[tlog.StoredHashIndex(level, int64(n)>>level)] = hash
		}
	}
	if root, _ := tlog.TreeHash(head.Tree.N, reader); root != head.Tree.Hash {
		t.Errorf("the root of the records is another one")
	}
	if kept, _, err := b.ledger.ReadCheckpoint(context.Background()); err != nil || kept != head.Tree {
		t.Errorf("the ledger remembers %v, the head is %v, %v", kept, head.Tree, err)
	}
	if len(leaves) != statements || head.Sealed != head.Tree.N {
		t.Errorf("%d leaves of %d statements, %d sealed", len(leaves), statements, head.Sealed)
	}
}

// remembers checks that no record says that it is sealed in a leaf which the ledger does
// not remember to be signed.
func (b *bench) remembers(t testing.TB) {
	t.Helper()
	kept, _, err := b.ledger.ReadCheckpoint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range dynamotest.Items(t, b.kit.Plain, b.ledger.Table) {
		for _, name := range []string{"acceptedLeaf", "endLeaf"} {
			if leaf := attribute.ReadNumber(item, name); item[name] != nil && leaf >= kept.N {
				t.Errorf("%s is leaf %d, and the ledger remembers %d leaves", attribute.ReadText(item, "erasureId"), leaf, kept.N)
			}
		}
	}
}

// bytesValue is a value of bytes.
type bytesValue = types.AttributeValueMemberB

// head is the head's item.
func (b *bench) head(t testing.TB) attribute.Item {
	t.Helper()
	for _, item := range dynamotest.Items(t, b.kit.Plain, b.plain.Table) {
		if attribute.ReadText(item, "part") == "head" {
			return item
		}
	}
	t.Fatal("no head")
	return nil
}

// next is the first number that no erasure has, of those in order.
func (b *bench) next(t testing.TB) (n int) {
	for _, item := range dynamotest.Items(t, b.kit.Plain, b.ledger.Table) {
		if strings.HasPrefix(attribute.ReadText(item, "erasureId"), "erasure-") {
			n++
		}
	}
	return n
}

// delete deletes an item.
func (b *bench) delete(t testing.TB, table, key, value string) {
	t.Helper()
	_, err := b.kit.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &table, Key: attribute.Item{key: attribute.Text(value)},
	})
	if err != nil {
		t.Fatal(err)
	}
}
