// Package receipt tests that a receipt is verified, and an altered one refused, by all
// three verifiers: shared/receipt, docs/verify.mjs in Node and docs/verify.html in a
// browser. The last two were written from the formats, and share no code with the first.
package receipt

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/digest"
	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// sample is a receipt, and what it is about.
type sample struct {
	name       string
	text       []byte
	key        string // the verifier key
	identifier string // "" where it names no data subject
	words      string // that the page says of it
}

// origin is the log's name.
const origin = "customercare.eu-central-1.123456789012.customercare"

// odd is a number with every character that one of the formats treats apart.
const odd = "13#5%é<&>\"\\ \u2028\U0001F600"

// signer is a log's key. It is made from its seed, so that it is the same in each run;
// a real log's key is in KMS.
func signer(t testing.TB, name, seed string) (note.Signer, string) {
	t.Helper()
	hash := sha256.Sum256([]byte(seed))
	private, public, err := note.GenerateKey(bytes.NewReader(hash[:]), name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return s, public
}

// leaves is a log in the making.
type leaves struct {
	lines  [][]byte
	stored []tlog.Hash
}

// ReadHashes gives the log's hashes with these indexes.
func (l *leaves) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = l.stored[index]
	}
	return hashes, nil
}

// add appends a statement, and gives its index.
func (l *leaves) add(t testing.TB, line []byte) int64 {
	t.Helper()
	index := int64(len(l.lines))
	hashes, err := tlog.StoredHashes(index, line, l)
	if err != nil {
		t.Fatal(err)
	}
	l.lines, l.stored = append(l.lines, line), append(l.stored, hashes...)
	return index
}

// tree is the log as it stands.
func (l *leaves) tree(t testing.TB) tlog.Tree {
	t.Helper()
	n := int64(len(l.lines))
	root, err := tlog.TreeHash(n, l)
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Tree{N: n, Hash: root}
}

// checkpoint is the log as it stands, signed.
func (l *leaves) checkpoint(t testing.TB, by ...note.Signer) string {
	t.Helper()
	text := receipt.CheckpointText(origin, l.tree(t))
	signed, err := note.Sign(&note.Note{Text: text}, by...)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// receipt is the one for a statement of the log as it stands.
func (l *leaves) receipt(t testing.TB, index int64, about *receipt.Subject, by ...note.Signer) []byte {
	t.Helper()
	path, err := tlog.ProveRecord(int64(len(l.lines)), index, l)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Receipt{
		Index: index, Path: path, Checkpoint: l.checkpoint(t, by...), Statement: l.lines[index], Subject: about,
	}.Text()
}

// erasure is one with its two statements.
type erasure struct {
	accepted, erased statement.Statement
	identifiers      []string // in byte order
	messages         []string
	openings         [][]byte
	before, after    statement.Tree
}

// erased is the erasure of these data subjects, of which every third was not found.
func erased(kind, subject, scope string, identifiers ...string) erasure {
	slices.Sort(identifiers)
	e := erasure{identifiers: identifiers}
	d := digest.Digester{Current: "2026", Keys: map[string][]byte{"2026": []byte("a key of digests, not a secret.")}}
	var before, after []statement.Subject
	for i, identifier := range identifiers {
		message := digest.Message(subject, scope, identifier)
		opening, _ := d.Opening("2026", message)
		leaf := statement.Subject{Commitment: statement.Commitment(opening, message)}
		before = append(before, leaf)
		leaf.Outcome = outcome(i)
		after = append(after, leaf)
		e.messages, e.openings = append(e.messages, message), append(e.openings, opening)
	}
	e.before, e.after = statement.NewTree(before), statement.NewTree(after)
	at := time.Date(2026, 11, 27, 10, 11, 12, 345e6, time.UTC)
	ticket := sha256.Sum256([]byte("TICKET-1"))
	e.accepted = statement.Statement{
		Type: statement.Accepted, ID: "20261127T101112Z-0123456789abcdef", Kind: kind, Scope: scope, By: "john1970",
		Accepted: statement.TimeOf(at), Ticket: ticket[:], Subjects: e.before.Subjects(),
	}
	e.erased = e.accepted
	e.erased.Type, e.erased.Subjects = statement.Erased, e.after.Subjects()
	e.erased.End = &statement.End{
		Finished: statement.TimeOf(at.Add(388 * time.Second)), Verified: statement.TimeOf(at.Add(385 * time.Second)),
		Found: 4, Erased: 4, AtLeast: true, Unreadable: true, Passes: 2,
		BackupsUntil: statement.TimeOf(at.Add(388*time.Second + 35*24*time.Hour)),
	}
	return e
}

// outcome is that of the subject with this index.
func outcome(i int) statement.Outcome {
	if i%3 == 2 {
		return statement.OutcomeNotFound
	}
	return statement.OutcomeErased
}

// begun and ended are what the two receipts say of the subject with this index.
func (e erasure) begun(i int) *receipt.Subject {
	return &receipt.Subject{Index: i, Opening: e.openings[i], Path: e.before.Path(i), Subject: e.messages[i]}
}

func (e erasure) ended(i int) *receipt.Subject {
	return &receipt.Subject{
		Index: i, Opening: e.openings[i], Outcome: string(rune(outcome(i))), Path: e.after.Path(i), Subject: e.messages[i],
	}
}

// thousand is the erasure of 1,000 numbers, odd among them.
func thousand() erasure {
	numbers := []string{odd}
	for i := range 999 {
		numbers = append(numbers, fmt.Sprintf("135****%04d", i))
	}
	return erased(statement.Numbers, "number", "acme#1", numbers...)
}

// samples are receipts of every kind. The first two are of a log of one entry and of one
// that has many.
func samples(t testing.TB) []sample {
	t.Helper()
	by, key := signer(t, origin, "the log's key, not a secret")
	customer, numbers := erased(statement.Customer, "customer", "greatwidgets", "4711"), thousand()
	log := new(leaves)
	first := log.add(t, customer.accepted.Line())
	all := []sample{
		{"first-entry", log.receipt(t, first, customer.begun(0), by), key, "4711", "“4711” is one of those whom it is about."},
	}
	one := log.add(t, numbers.accepted.Line())
	end := log.add(t, customer.erased.Line())
	log.add(t, []byte(`{"v":1,"type":"foreseen","id":"of a later version","new":{"field":[1,"<b>"]}}`))
	many := log.add(t, numbers.erased.Line())
	destroyed := log.add(t, statement.Statement{
		Type: statement.KeyDestroyed, ID: "20281201T000000Z-0123456789abcdef", Kind: "key", By: "ops", Key: "2026",
		At: statement.TimeOf(time.Date(2028, 12, 1, 0, 0, 0, 0, time.UTC)),
	}.Line())
	back := log.add(t, statement.Statement{
		Type: statement.Restore, ID: "20281202T000000Z-0123456789abcdef", By: "ops",
		At: statement.TimeOf(time.Date(2028, 12, 2, 0, 0, 0, 0, time.UTC)),
		Restored: &statement.Restored{
			Table: "restored", To: statement.TimeOf(time.Date(2028, 12, 1, 0, 0, 0, 0, time.UTC)), Read: 9, LeftOut: 4, Loaded: 5,
		},
	}.Line())
	at := statement.TimeOf(time.Date(2028, 12, 3, 0, 0, 0, 0, time.UTC))
	add := func(s statement.Statement) int64 { return log.add(t, s.Line()) }
	of := customer.accepted.Subjects
	held := add(statement.Statement{
		Type: statement.Held, ID: "20281203T000000Z-0123456789abcdef", Kind: statement.Customer, Scope: "greatwidgets", By: "csr",
		Hold: "case-1", At: at, Subjects: of,
	})
	refused := add(statement.Statement{
		Type: statement.Held, ID: "20281203T000000Z-1123456789abcdef", Kind: statement.Customer, Scope: "greatwidgets", By: "john1970",
		Because: "case-1", At: at, Subjects: of,
	})
	released := add(statement.Statement{
		Type: statement.Released, ID: "20281203T000000Z-2123456789abcdef", Kind: statement.Customer, Scope: "greatwidgets", By: "csr",
		Hold: "case-1", At: at, Subjects: of,
	})
	partly := numbers.erased
	partly.Type = statement.Partial
	partial := add(partly)
	swept := add(statement.Statement{
		Type: statement.Retention, ID: "20281203T000000Z-3123456789abcdef", By: "retention", At: at,
		Swept: &statement.Swept{Rule: "old-contacts", What: "contacts", Days: 400, Scope: "acme", Cutoff: at, Found: 9, Erased: 7, Kept: 2},
	})
	place := slices.Index(numbers.identifiers, odd)
	return append(all,
		sample{"erased-customer", log.receipt(t, end, customer.ended(0), by), key, "4711", "“4711”: something was found, and it is erased."},
		sample{"erased-number", log.receipt(t, many, numbers.ended(place), by), key, odd, "one of 1000; of the others it shows nothing"},
		sample{"not-found", log.receipt(t, many, numbers.ended(2), by), key, numbers.identifiers[2], "nothing was found"},
		sample{"accepted", log.receipt(t, one, nil, by), key, "", "It does not say that anything is erased yet"},
		sample{"erased", log.receipt(t, end, nil, by), key, "", "This receipt names nobody."},
		sample{"other-type", log.receipt(t, 3, nil, by), key, "", "This page has no words for it"},
		sample{"held", log.receipt(t, held, nil, by), key, "", "placed the hold “case-1”"},
		sample{"refused", log.receipt(t, refused, nil, by), key, "", "was refused because of the hold “case-1”"},
		sample{"released", log.receipt(t, released, nil, by), key, "", "was released by “csr”"},
		sample{"partial", log.receipt(t, partial, nil, by), key, "", "held"},
		sample{"retention", log.receipt(t, swept, nil, by), key, "", "the rule “old-contacts”"},
		sample{"key-destroyed", log.receipt(t, destroyed, nil, by), key, "", "the key “2026” was destroyed"},
		sample{"restored", log.receipt(t, back, nil, by), key, "", "There 0 records were left about anybody who was erased since."},
	)
}
