package main

import (
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/ledger"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/statement"
)

// under puts a record of an erasure under the key with this id that ended then.
func under(t *testing.T, kit *dynamotest.Kit, id, key string, ended time.Time) {
	t.Helper()
	kit.Put(t, kit.Erasures.Table, attribute.Item{
		"erasureId": attribute.Text("erasure-" + id), "kind": attribute.Text("customer"),
		"requestedAt": attribute.Number(ended.UnixMilli()), "finishedAt": attribute.Number(ended.UnixMilli()),
		"subjects":  attribute.Texts(key + "." + strings.Repeat("0", 64)),
		"statement": attribute.Text("{}"), "state": attribute.Text("done"),
	})
}

// A secret that no function would start with is not written, though it is no worse than
// before.
func TestASecretWithFaultsIsNotChanged(t *testing.T) {
	kit := dynamotest.Open(t)
	faulty := `{"1":"` + firstKey + `","2":"` + secondKey + `","3":"short"}`
	server := keysSecret(t, kit, faulty, "2")
	call(t, "", "keys", "destroy", "1", "--yes").is(t, 1, `the secret is not changed, because it has faults: the key "3"`)
	if secret, _ := server.Secret("DigestKeys"); secret.Text != faulty {
		t.Error("the secret is changed")
	}
}

// A key that is old enough is taken out of the secret and its versions, and a statement
// is on record for the log; one that is needed stays. A call that died is completed.
func TestAKeyIsDestroyed(t *testing.T) {
	kit := dynamotest.Open(t)
	server := keysSecret(t, kit, bothKeys, "2")
	now := time.Now()
	under(t, kit, "old", "1", now.AddDate(0, -25, 0))
	under(t, kit, "young", "2", now)
	call(t, "", "keys", "destroy", "2", "--yes").is(t, 1, `the key "2" makes new digests`)
	call(t, "", "keys", "destroy", "9", "--yes").is(t, 1, `there is no key "9"`)
	call(t, "", "keys", "destroy", "1").is(t, 2, "say --yes")
	call(t, "", "keys", "destroy", "1", "--yes", "--older-than", "23").is(t, 2, "--older-than must be at least 24")
	for _, months := range []string{"1201", "9223372036854775807", "1125899906842624"} { // the last two are in the future
		call(t, "", "keys", "destroy", "1", "--yes", "--older-than", months).is(t, 2, "--older-than must be at most 1200 months")
	}
	call(t, "", "keys", "destroy", "1", "--yes", "--older-than", "26").is(t, 1, `the key "1" stays`)
	under(t, kit, "young1", "1", now.AddDate(0, -23, 0))
	call(t, "", "keys", "destroy", "1", "--yes").is(t, 1, `the key "1" stays`)
	if secret, _ := server.Secret("DigestKeys"); secret.Text != bothKeys {
		t.Fatal("the secret is changed")
	}
	under(t, kit, "young1", "1", now.AddDate(0, -25, 0))
	said, code := onTerminal(t, []string{"2\r"}, "keys", "destroy", "1")
	if code != 1 || !strings.Contains(said, "nothing is changed") {
		t.Errorf("exit %d: %s", code, said)
	}

	r := call(t, "", "keys", "destroy", "1", "--yes")
	r.is(t, 0, "the key 1 is destroyed")
	if !strings.Contains(r.errs, "Secrets Manager keeps 1 old version with it") || strings.Contains(r.String(), firstKey) {
		t.Error(r)
	}
	if secret, _ := server.Secret("DigestKeys"); secret.Text != `{"2":"`+secondKey+`"}` {
		t.Error("the key is in the secret still")
	}
	if stages := strings.Join(server.Stages("DigestKeys"), " "); strings.Contains(stages, "AWSPREVIOUS") {
		t.Errorf("a version with the key is labelled still: %s", stages)
	}
	out, err := kit.Plain.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &kit.Erasures.Table, Key: attribute.Item{"erasureId": attribute.Text("erasure-key-1")},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := statement.Parse([]byte(attribute.ReadText(out.Item, "statement")))
	if err != nil || s.Type != statement.KeyDestroyed || s.Key != "1" || out.Item["unlogged"] == nil ||
		out.Item["unloggedAt"] == nil || attribute.ReadText(out.Item, "kind") != "key" {
		t.Errorf("%s, %v", repr.String(out.Item), err)
	}
	again := call(t, "", "keys", "destroy", "1", "--yes") // it is done: the record stays as it is
	again.is(t, 0, "on record since "+s.At.UTC().Format("2006-01-02 15:04:05Z"))
	// Somebody else who was as far at the same moment writes nothing over it.
	at, err := ledger.Ledger{DB: kit.Plain, Table: kit.Erasures.Table}.DestroyKey(t.Context(), "1", now.AddDate(0, 0, 1))
	if err != nil || !at.Equal(s.At.Time) {
		t.Errorf("on record since %v, %v", at, err)
	}
	call(t, "", "keys", "check").is(t, 0, "")
	call(t, "", "keys", "rotate", "--id", "1").is(t, 1, `a key "1" was destroyed`)

	// The call died before the record: the next one writes it.
	_, err = kit.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &kit.Erasures.Table, Key: attribute.Item{"erasureId": attribute.Text("erasure-key-1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, "", "keys", "check").is(t, 3, `the key "1" is missing`)
	call(t, "", "keys", "destroy", "1", "--yes").is(t, 0, "the key 1 is destroyed")
	call(t, "", "keys", "check").is(t, 0, "")
	for id, words := range map[string]string{"old": "the key 1 of its digests is destroyed", "young": ""} {
		if r := call(t, "", "erasures", "show", id); r.code != 0 || !strings.Contains(r.errs, words) ||
			(words == "") != (r.errs == "") {
			t.Errorf("%s: %v", id, r)
		}
	}
	r = call(t, "", "erasures", "list", "--state", "finished", "--json")
	if r.code != 0 || strings.Contains(r.out, "erasure-key-1") || !strings.Contains(r.out, "erasure-old") {
		t.Error(r)
	}
	call(t, records, "import", "-").is(t, 0, "")
	call(t, "", "restorable", "--table", kit.Customers.Table, "--since", "2020-01-02T03:04:05Z").
		is(t, 1, `the key "1", which was destroyed`)
}
