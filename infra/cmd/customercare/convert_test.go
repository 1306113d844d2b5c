package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"customercare/infra/testkit/cloudformationtest"
)

// unpacked is the text of all files of a folder's table.
func unpacked(t *testing.T, dir, table string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, table, "*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		packed, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, packed); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// A conversion for the first load needs no stack. It says what each table will hold, and
// names bad lines as the import does.
func TestConvert(t *testing.T) {
	cloudformationtest.Unconfigured(t)
	out := filepath.Join(t.TempDir(), "backfill")
	again := `{"kind":"contact","tenantId":"t","contactId":"c","at":"1990-12-31T23:59:60Z","callingNumber":"1","calledNumber":"3"}`
	r := call(t, "{}\n"+records+again+"\n"+`{"kind":"operator","name":"weak","password":"sesame"}`, "convert", "-", "--out", out,
		"--returning", "--json")
	r.is(t, 3, "2 of 8 lines are not converted")
	for _, said := range []string{"line 1: ", "line 8: password has less than 15 characters\n",
		"1 line is of a record that a later line has, too",
		"converted into " + out + ": 1 user, 1 customer, 1 transaction, 2 contacts, 1 operator\n"} {
		if !strings.Contains(r.errs, said) {
			t.Errorf("%q is not said: %v", said, r)
		}
	}
	var said struct {
		Out               string
		Refused, Replaced int
		Converted         map[string]int
		Tables            map[string]struct{ Items, Files, Bytes int }
	}
	if err := json.Unmarshal([]byte(r.out), &said); err != nil || said.Out != out || said.Refused != 2 || said.Replaced != 1 ||
		said.Converted["contact"] != 2 || len(said.Tables) != 4 {
		t.Errorf("%v: %+v", err, said)
	}
	for table, items := range map[string]int{"Users": 1, "Customers": 2, "Contacts": 2, "Principals": 1} {
		text := unpacked(t, out, table)
		if got := said.Tables[table]; strings.Count(text, "\n") != items || got.Items != items || got.Files != 1 || got.Bytes != len(text) {
			t.Errorf("%s: %+v\n%s", table, got, text)
		}
	}
	if contacts := unpacked(t, out, "Contacts"); strings.Contains(contacts, "t#2") || !strings.Contains(contacts, `{"S":"t#3"}`) ||
		strings.Contains(unpacked(t, out, "Principals"), "sixteen") {
		t.Errorf("%s", contacts)
	}
	r = call(t, records, "convert", "-", "--out", out+"2", "--returning")
	r.is(t, 0, "converted into ")
	if !strings.HasPrefix(r.out, "TABLE       ITEMS  FILES  BYTES\nContacts    2      1      ") {
		t.Error(r)
	}

	parts := ""
	for _, part := range []string{"1/2", "2/2"} {
		dir := out + "-" + strings.ReplaceAll(part, "/", "-of-")
		call(t, "{}\n"+records, "convert", "-", "--out", dir, "--returning", "--part", part)
		names, err := filepath.Glob(filepath.Join(dir, "*", "part-"+strings.ReplaceAll(part, "/", "-of-")+"-00001.json.gz"))
		if err != nil || len(names) == 0 {
			t.Errorf("%s has no file of its name: %v", part, err)
		}
		for _, table := range []string{"Users", "Customers", "Contacts", "Principals"} {
			parts += unpacked(t, dir, table)
		}
	}
	if strings.Count(parts, "\n") != 6 {
		t.Errorf("the two parts have\n%s", parts)
	}

	good := file(t, records)
	call(t, "", "convert", good, "--out", out, "--returning").is(t, 1, "backfill is there already: name another folder")
	call(t, "", "convert", good+"x", "--out", out, "--returning").is(t, 1, "cannot be read: no such file or directory\n")
	call(t, "[1,\n2]", "convert", "-", "--out", out+"3", "--returning").is(t, 1, "; nothing is written\n")
	call(t, records, "convert", "-", "--out", out+"3", "--endpoint", "http://127.0.0.1:1").
		is(t, 1, "nothing answers at 127.0.0.1:1: ")
	call(t, records, "convert", "-", "--out", out+"3", "--endpoint", "http://127.0.0.1:1").
		is(t, 1, "for the first load, when there is no ledger yet, say --returning\n")
	call(t, "", "convert", good).is(t, 2, "--out must name the folder")
	for _, part := range []string{"2", "0/2", "3/2", "a/b", "1/2/3", "-1/-1"} {
		call(t, "", "convert", good, "--out", out+"3", "--part="+part).is(t, 2, "--part must be like 2/4")
	}
	call(t, "", "convert", good, "--out", out+"3", "--returning", "--since", "2026-01-02T03:04:05Z").is(t, 2, "--since means nothing")
	if _, err := os.Stat(out + "3"); err == nil {
		t.Error("a call that was refused has made its folder")
	}
}

// A conversion that is interrupted says so and leaves nothing. One that is killed leaves
// its own folder, but none under the name that was asked for. The next run is right.
func TestConvertInterrupted(t *testing.T) {
	cloudformationtest.Unconfigured(t)
	out := filepath.Join(t.TempDir(), "backfill")
	line, _, _ := strings.Cut(records, "\n") // without a password, which takes long
	for signal, left := range map[syscall.Signal]bool{syscall.SIGINT: false, syscall.SIGKILL: true} {
		cmd := exec.CommandContext(t.Context(), binary, "convert", "-", "--out", out, "--returning")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var said, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe and the reader hold: when it is written, the command works.
		if _, err := io.WriteString(in, strings.Repeat(line+"\n", 50_000)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		r := result{said.String(), errs.String(), cmd.ProcessState.ExitCode()}
		if !left {
			r.is(t, 130, "customercare: interrupted: nothing is written, call the same again\n")
		}
		_, is := os.Stat(out + ".converting")
		if _, whole := os.Stat(out); whole == nil || (is == nil) != left {
			t.Errorf("%v: %v, what is left: %v", signal, r, is)
		}
	}
	call(t, records, "convert", "-", "--out", out, "--returning").is(t, 0, "converted into ")
	if n := strings.Count(unpacked(t, out, "Customers"), "\n"); n != 2 {
		t.Errorf("%d items", n)
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) != 1 {
		t.Error(left, err)
	}
}
