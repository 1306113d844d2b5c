package receipt

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// alterSignatures alters the log's signature, and lets others sign.
func alterSignatures(t testing.TB, s sample, alter func(string, func(*parts))) {
	t.Helper()
	first := func(name string, change func(line string) string) {
		alter("signature: "+name, func(p *parts) { p.signatures[0] = change(p.signatures[0]) })
	}
	raw := func(name string, change func(sig []byte) []byte) {
		first(name, func(line string) string {
			at := strings.LastIndex(line, " ") + 1
			sig, err := base64.StdEncoding.DecodeString(line[at:])
			if err != nil {
				t.Fatal(err)
			}
			return line[:at] + base64.StdEncoding.EncodeToString(change(sig))
		})
	}
	raw("another key's id", func(sig []byte) []byte { sig[0] ^= 1; return sig })
	raw("another byte", func(sig []byte) []byte { sig[40] ^= 1; return sig })
	raw("the order added to s", func(sig []byte) []byte { return addOrder(sig) })
	raw("a byte more", func(sig []byte) []byte { return append(sig, 0) })
	raw("a byte less", func(sig []byte) []byte { return sig[:67] })
	raw("the key's id alone", func(sig []byte) []byte { return sig[:4] })
	raw("nothing", func([]byte) []byte { return nil })
	first("respelled", respelled)
	first("another name", func(line string) string { return strings.Replace(line, " c", " C", 1) })
	first("a hyphen", func(line string) string { return strings.Replace(line, "—", "-", 1) })
	first("two blanks", func(line string) string { return strings.Replace(line, " c", "  c", 1) })
	alter("signature: none", func(p *parts) { p.signatures = nil })

	// A line of the log's own key that is wrong, behind the right one; one of an unknown
	// key that is not exact.
	alter("signature: a wrong one, too", func(p *parts) {
		wrong := []byte(p.signatures[0])
		wrong[len(wrong)-10] ^= 1
		p.signatures = append(p.signatures, string(wrong))
	})
	alter("signature: an unknown one that is respelled", func(p *parts) { p.signatures = append(p.signatures, "— witness.example AAAAAAB=") })

	witness, _ := signer(t, "witness.example", "a witness's key")
	other, _ := signer(t, origin, "another stack's key")
	elsewhere, _ := signer(t, "another.stack", "another stack's key")
	for name, by := range map[string]note.Signer{"a witness": witness, "another key of the same name": other, "another stack": elsewhere} {
		alter("signature: by "+name+" alone", func(p *parts) { sign(t, p, by) })
	}
	// Another stack's checkpoint over the same tree, under its own name.
	alter("signature: another stack's receipt", func(p *parts) { p.origin = "another.stack"; sign(t, p, elsewhere) })
}

// sign signs the checkpoint as it stands.
func sign(t testing.TB, p *parts, by note.Signer) {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: p.origin + "\n" + p.size + "\n" + p.root + "\n"}, by)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	p.signatures = []string{strings.TrimSuffix(lines, "\n")}
}

// order is that of the group of Ed25519, as RFC 8032 (5.1) gives it, little-endian. A
// signature's second half plus the order solves the same equation, so a verifier that
// forgets to look takes two signatures for one text.
var order = []byte{
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
}

func addOrder(sig []byte) []byte {
	carry := 0
	for i, b := range order {
		sum := int(sig[36+i]) + int(b) + carry
		sig[36+i], carry = byte(sum), sum>>8
	}
	return sig
}

// All three refuse a receipt that was altered in any kind.
func TestAltered(t *testing.T) {
	for _, s := range samples(t)[:4] {
		t.Run(s.name, func(t *testing.T) { refusedByAll(t, s, altered(t, s)) })
	}
}

// All three refuse a receipt of which any one byte is another one: each byte with its
// lowest bit and its case turned, and in base64 the next character, which may differ in
// a bit that no byte needs.
func TestEveryByte(t *testing.T) {
	for _, s := range samples(t)[1:3] {
		var all []alteration
		for i, b := range s.text {
			others := []byte{b ^ 1, b ^ 0x20, b ^ 0x80}
			if at := bytes.IndexByte([]byte(alphabet), b); at >= 0 {
				others = append(others, alphabet[(at+1)%64])
			}
			for _, other := range others {
				text := slices.Clone(s.text)
				text[i] = other
				all = append(all, alteration{fmt.Sprintf("byte %d: %q for %q", i, other, b), text})
			}
		}
		t.Run(s.name, func(t *testing.T) { refusedByAll(t, s, all) })
	}
}

// refusedByAll asks all three about all alterations at once. Each is refused with a
// sentence, and one of another key with a sentence that says so.
func refusedByAll(t *testing.T, s sample, all []alteration) {
	t.Helper()
	questions := make([]question, len(all))
	for i, a := range all {
		questions[i] = question{a.text, s.key, ""}
	}
	for _, v := range verifiers {
		t.Run(v.name, func(t *testing.T) {
			verdicts := v.answer(t, questions)
			if len(verdicts) != len(all) || len(all) < 100 {
				t.Fatalf("%d verdicts on %d alterations", len(verdicts), len(all))
			}
			for i, a := range all {
				switch fault := verdicts[i].Fault; {
				case fault == "":
					t.Errorf("%s: taken for genuine\n%q", a.name, a.text)
				case strings.Contains(fault, "TypeError") || strings.Contains(fault, "undefined") || strings.Contains(fault, "Cannot"):
					t.Errorf("%s: the fault is no sentence: %s", a.name, fault)
				case strings.HasSuffix(a.name, "another stack's receipt") || strings.HasSuffix(a.name, " alone") && strings.Contains(a.name, "signature: by"):
					if !strings.Contains(fault, "signed by another key than the") {
						t.Errorf("%s: the sentence does not say so: %s", a.name, fault)
					}
				}
			}
			t.Logf("%d refused", len(all))
		})
	}
}

// All three refuse a receipt that lies within a log that is signed rightly: the log's
// own key makes no statement true of a tree that does not hold it.
func TestOtherLeaves(t *testing.T) {
	by, key := signer(t, origin, "the log's key, not a secret")
	customer, numbers := erased("customer", "customer", "greatwidgets", "4711"), thousand()
	log := new(leaves)
	first, second := log.add(t, customer.erased.Line()), log.add(t, numbers.erased.Line())
	third := log.add(t, customer.accepted.Line())
	path := func(index int64) tlog.RecordProof {
		proof, err := tlog.ProveRecord(3, index, log)
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	made := func(index int64, line []byte, about *receipt.Subject) []byte {
		return receipt.Receipt{Index: index, Path: path(index), Checkpoint: log.checkpoint(t, by), Statement: line, Subject: about}.Text()
	}
	var questions []question
	for _, text := range [][]byte{
		made(second, customer.erased.Line(), nil),                   // at another's place
		made(first, customer.accepted.Line(), nil),                  // the acceptance for the end
		made(first, customer.erased.Line(), numbers.ended(0)),       // another erasure's subject
		made(first, customer.erased.Line(), customer.begun(0)),      // the acceptance's subject
		made(third, customer.accepted.Line(), customer.ended(0)),    // an end in an acceptance
		made(second, numbers.erased.Line(), numbers.begun(1)),       // a subject without its outcome
		made(second, numbers.erased.Line(), mixed(numbers, 3, 4)),   // one's path with another's opening
		made(second, numbers.erased.Line(), foreign(t, numbers, 3)), // a subject of another tenant
	} {
		questions = append(questions, question{text, key, ""})
	}
	for _, v := range verifiers {
		t.Run(v.name, func(t *testing.T) {
			for i, verdict := range v.answer(t, questions) {
				if verdict.Fault == "" {
					t.Errorf("receipt %d is taken for genuine:\n%s", i, questions[i].Receipt)
				}
			}
		})
	}
}

// All three refuse a receipt whose data subject is in the statement's tree, and is not
// one that this statement can be about: of another kind, account or tenant, or a name of
// more or fewer parts; so is one with an outcome that nobody knows.
func TestSubjectsThatDoNotFit(t *testing.T) {
	by, key := signer(t, origin, "the log's key, not a secret")
	const customer, numbers = statement.Customer, statement.Numbers
	var questions []question
	for _, c := range []struct{ kind, scope, message, outcome string }{
		{customer, "shop", "customer#shop#4711", "e"}, // the one that fits
		{customer, "shop", "number#shop#4711", "e"},
		{customer, "shop", "user#shop#4711", "e"},
		{customer, "shop", "customer#shops#4711", "e"},
		{customer, "shop", "customer#shop", "e"},
		{customer, "shop", "customer#shop#47#11", "e"},
		{customer, "shop", "customer#shop#47%11", "e"},
		{customer, "sh#op", "customer#sh#op#4711", "e"},
		{customer, "shop", "customer#shop#4711", "x"},
		{numbers, "shop", "customer#shop#4711", "e"},
		{"key", "shop", "customer#shop#4711", "e"},
		{"key", "shop", "undefined#shop#4711", "e"},
		{"toString", "shop", "number#shop#4711", "e"},
		{"", "shop", "#shop#4711", "e"},
		{"", "shop", "number#shop#4711", "e"},
	} {
		opening := make([]byte, 32)
		said := erased(c.kind, "customer", c.scope, "4711").erased
		said.Subjects = statement.NewTree([]statement.Subject{{
			Commitment: statement.Commitment(opening, c.message), Outcome: statement.Outcome(c.outcome[0]),
		}}).Subjects()
		log := new(leaves)
		index := log.add(t, said.Line())
		about := &receipt.Subject{Opening: opening, Outcome: c.outcome, Path: [][]byte{}, Subject: c.message}
		questions = append(questions, question{log.receipt(t, index, about, by), key, ""})
	}
	for _, v := range verifiers {
		t.Run(v.name, func(t *testing.T) {
			for i, verdict := range v.answer(t, questions) {
				if (verdict.Fault == "") != (i == 0) {
					t.Errorf("receipt %d: %q\n%s", i, verdict.Fault, questions[i].Receipt)
				}
			}
		})
	}
}

// mixed is the line of one subject with another's opening and name.
func mixed(e erasure, place, who int) *receipt.Subject {
	s := e.ended(place)
	s.Opening, s.Subject = e.openings[who], e.messages[who]
	return s
}

// foreign is the line of a subject with its tenant's name changed.
func foreign(t testing.TB, e erasure, who int) *receipt.Subject {
	t.Helper()
	s := e.ended(who)
	other := strings.Replace(s.Subject, "#acme%231#", "#acme#", 1)
	if other == s.Subject {
		t.Fatalf("%s is of another tenant", s.Subject)
	}
	s.Subject = other
	return s
}
