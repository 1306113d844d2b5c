package receipt

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The receipts in testdata, which anybody can try a verifier of their own on, are what
// the code writes today, byte for byte. UPDATE=1 go test ./infra/test/receipt -run
// TestGolden writes them anew.
func TestGolden(t *testing.T) {
	all := samples(t)
	files := map[string]string{
		"key.txt":    all[0].key + "\n",
		"policy.txt": "# whoever trusts this log and asks for no witness\nlog " + all[0].key + "\nquorum none\n",
	}
	for _, s := range all {
		files[s.name+".tlog-proof"] = string(s.text)
	}
	for name, want := range files {
		path := filepath.Join("testdata", name)
		if os.Getenv("UPDATE") == "1" {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s: UPDATE=1 go test ./infra/test/receipt -run TestGolden writes it anew (%v). It says\n%s\nnot\n%s", path, err, got, want)
		}
	}
	if there, err := filepath.Glob("testdata/*"); err != nil || len(there) != len(files) {
		t.Errorf("testdata has %v, want %d files", there, len(files))
	}
}

// Every receipt is genuine, for the data subject that it names and for nobody else.
func TestGenuine(t *testing.T) {
	var own, others []question
	for _, s := range samples(t) {
		own = append(own, question{s.text, s.key, ""}, question{s.text, s.key, s.identifier})
		others = append(others, question{s.text, s.key, "4712"}, question{s.text, s.key, "471"}, question{s.text, s.key, "47111"})
	}
	witness, _ := signer(t, "witness.example", "a witness's key")
	by, key := signer(t, origin, "the log's key, not a secret")
	log := new(leaves)
	index := log.add(t, erased("customer", "customer", "a", "b").accepted.Line())
	own = append(own,
		question{log.receipt(t, index, nil, by, witness), key, ""},
		question{log.receipt(t, index, nil, witness, by), key, ""})
	for _, v := range verifiers {
		t.Run(v.name, func(t *testing.T) {
			for i, verdict := range v.answer(t, own) {
				if verdict.Fault != "" {
					t.Errorf("refused: %s\n%s", verdict.Fault, own[i].Receipt)
				}
			}
			if v.name == "Go" {
				return // whom the receipt is about is the caller's to compare
			}
			for i, verdict := range v.answer(t, others) {
				if verdict.Fault == "" {
					t.Errorf("taken for one about %q:\n%s", others[i].Identifier, others[i].Receipt)
				}
			}
		})
	}
}

// The command line of verify.mjs takes the key as a text and as a file, ends with the
// right code and says a sentence.
func TestNodeCommand(t *testing.T) {
	program, s := node(t), samples(t)[1]
	text, err := os.ReadFile("testdata/erased-customer.tlog-proof")
	if err != nil {
		t.Fatal(err)
	}
	altered := filepath.Join(t.TempDir(), "altered")
	text[len(text)/2] ^= 1
	if err := os.WriteFile(altered, text, 0o644); err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(t.TempDir(), "strange") // of a log whose name would clear a terminal, and turn the line around
	genuine, err := os.ReadFile("testdata/erased-customer.tlog-proof")
	if err != nil {
		t.Fatal(err)
	}
	named := strings.Replace(string(genuine), "\n\n"+origin+"\n", "\n\n\x1b[2J\u009b2J\u202egenuine\n", 1)
	if err := os.WriteFile(strange, []byte(named), 0o644); err != nil || named == string(genuine) {
		t.Fatal("the log has no other name", err)
	}
	_, other := signer(t, origin, "another stack's key")
	const receipt = "testdata/erased-customer.tlog-proof"
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{receipt, s.key}, 0, "genuine: entry 2 of the 12"},
		{[]string{receipt, "testdata/key.txt", "4711"}, 0, `for "customer#greatwidgets#4711" the outcome is erased`},
		{[]string{receipt, s.key, "4712"}, 1, "refused: it is about another data subject"},
		{[]string{"testdata/erased.tlog-proof", s.key, "4711"}, 1, "refused: it is about a whole erasure"},
		{[]string{altered, s.key}, 1, "refused: "},
		{[]string{receipt, other}, 1, "refused: it was signed by another key than the one given"},
		{[]string{strange, s.key}, 1, `from the log "\u001b[2J\u009b2J\u202egenuine"`},
		{[]string{receipt, "key"}, 1, "refused: the key is not a verifier key"},
		{[]string{receipt}, 1, "refused: usage: node verify.mjs RECEIPT KEY"},
		{[]string{"testdata", s.key}, 1, "refused: it cannot be read"},
	} {
		run := exec.CommandContext(t.Context(), program, append([]string{file(t, "verify.mjs")}, c.args...)...)
		out, _ := run.CombinedOutput()
		if code := run.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.said) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%q: exit code %d, want %d with %q\n%s", c.args, code, c.code, c.said, out)
		}
	}
}

// verify.mjs stays so short that it can be read before it is trusted, and needs nothing
// but Node.
func TestNodeVerifierIsShort(t *testing.T) {
	source, err := os.ReadFile(file(t, "verify.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), "\n"); n >= 60 {
		t.Errorf("verify.mjs has %d lines", n)
	}
	for _, line := range strings.Split(string(source), "\n") {
		if strings.HasPrefix(line, "import ") && !strings.Contains(line, "from 'node:") {
			t.Errorf("verify.mjs needs a package: %s", line)
		}
	}
}
